import type { Pool, PoolClient } from 'pg';
import type { Violation } from '../contract/index.ts';

/** A command and the key on which it acted, as its caller was told. */
export interface Told {
  readonly key: string;
  readonly commandId: string;
}

/** What somebody outside knows and wants judged. */
export interface AskedKeys {
  /** Undefined: every key of the scenario. */
  readonly keys: readonly string[] | undefined;
  /** Commands that were answered as accepted. */
  readonly acknowledged: readonly Told[];
  /** Commands that were told that nothing happened: refused, busy or failed. */
  readonly denied: readonly Told[];
  /** Keys where somebody was told that nothing is left. */
  readonly refusedKeys: readonly string[];
}

/** What the audit found. */
export interface AskedAudit {
  /** Transactions that others still had open in this database: a late COMMIT may escape the audit. */
  readonly openTransactions: number;
  /** Findings by kind, for `duplicate` the effects in excess. */
  readonly excess: Readonly<Record<string, number>>;
  readonly findings: number;
  /** The first of them. */
  readonly violations: readonly Violation[];
}

const violationsMax = 100;
const auditMaxMs = 20_000;
const lockWaitMs = 1_000;

const openElsewhere = `
  select count(*)::integer as open from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
    and backend_type = 'client backend'`;

/**
 * Runs a scenario's audit over the keys that somebody asks about, in a transaction that can only
 * read. Rejects with the error of Postgres, also where it takes longer than 20 s.
 */
export async function askedAudit(
  pool: Pool,
  auditSql: string,
  asked: AskedKeys,
): Promise<AskedAudit> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(
      `begin transaction isolation level repeatable read, read only;
       set local statement_timeout = ${auditMaxMs}; set local lock_timeout = ${lockWaitMs}`,
    );
    const { rows } = await client.query<{ open: number }>(openElsewhere);
    const found = await audited(client, auditSql, asked);
    return {
      openTransactions: rows[0]?.open ?? 0,
      excess: sumsOf(found),
      findings: found.length,
      violations: found.slice(0, violationsMax),
    };
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    await client.query('rollback').catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  }
}

async function audited(client: PoolClient, auditSql: string, asked: AskedKeys) {
  const { keys, acknowledged, denied, refusedKeys } = asked;
  const run = async (
    ids: readonly string[] | null,
    told: readonly Told[],
    refused: readonly string[],
  ): Promise<Violation[]> => {
    const values = [ids, told.map(one => one.key), told.map(one => one.commandId), refused];
    return (await client.query<Violation>(auditSql, values)).rows;
  };
  const found = await run(keys ?? null, acknowledged, refusedKeys);
  // of commands that are not there the audit says that they are lost: those it does not name are there
  const absent = denied.length > 0 ? await run([], denied, []) : [];
  return [...found, ...deniedAndThere(denied, absent)];
}

function deniedAndThere(denied: readonly Told[], absent: readonly Violation[]): Violation[] {
  const there = new Map<string, number>();
  for (const { key } of denied) there.set(key, (there.get(key) ?? 0) + 1);
  for (const { key, kind } of absent)
    if (kind === 'lost acknowledgement') there.set(key, (there.get(key) ?? 0) - 1);
  return [...there].flatMap(([key, excess]) => {
    const detail = `${excess} commands were told that nothing happened and are there`;
    return excess > 0 ? [{ key, kind: 'inconsistent', excess, detail } as const] : [];
  });
}

function sumsOf(found: readonly Violation[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { kind, excess } of found) sums[kind] = (sums[kind] ?? 0) + excess;
  return sums;
}
