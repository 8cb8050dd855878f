import pg, { type Pool, type PoolClient } from 'pg';
import { Failure, InvalidInput, type Violation } from '../contract/index.ts';
import { pgFailure } from '../store/pg-errors.ts';
import { AdmissionQueue } from '../store/queue.ts';

/** A command and the key it acted on, as reported to its caller. */
export interface CommandRef {
  readonly key: string;
  readonly commandId: string;
}

/** What an external caller knows and wants audited. */
export interface AuditRequest {
  /** Undefined: every key of the scenario. */
  readonly keys: readonly string[] | undefined;
  /** Commands that were answered as accepted. */
  readonly acknowledged: readonly CommandRef[];
  /** Commands that were answered as having no effect: refused, busy or failed. */
  readonly denied: readonly CommandRef[];
  /** Keys on which a caller was told that nothing is left, or what a `Call` names as its refusal. */
  readonly refusedKeys: readonly string[];
}

/** The result of the audit. */
export interface AuditReport {
  /** Other transactions still open in this database: the audit may miss a late COMMIT. */
  readonly openTransactions: number;
  /** Findings by kind; for `duplicate` the number of excess effects. */
  readonly excess: Readonly<Record<string, number>>;
  readonly findings: number;
  /** Keys with a finding of the rows alone, whatever callers were told. */
  readonly keys: number;
  /**
   * Commands answered as having no effect that did take effect: their callers retry and pay twice.
   */
  readonly deniedAndThere: number;
  /** The first findings. */
  readonly violations: readonly Violation[];
}

const violationsMax = 100;
const auditMaxMs = 20_000;
const lockWaitMs = 1_000;
const waitersMax = 500;

const openElsewhere = `
  select count(*)::integer as open from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
    and backend_type = 'client backend'`;

/**
 * Runs requested audits one after another, each in a read-only transaction. Uses its own pool, so
 * that a long audit does not delay the live one.
 */
export class AdHocAudits {
  readonly #pool: Pool;
  readonly #line = new AdmissionQueue(1, waitersMax);

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Throws `InvalidInput`, and `Failure` also where it takes longer than 20 s or too many wait. */
  async run(auditSql: string, asked: AuditRequest): Promise<AuditReport> {
    if ((await this.#line.enter(auditMaxMs)) !== 'granted')
      throw new Failure('postgres-unavailable');
    try {
      return await readOnly(this.#pool, async client => {
        const { rows } = await client.query<{ open: number }>(openElsewhere);
        const openTransactions = rows[0]?.open ?? 0;
        return { openTransactions, ...(await auditOf(client, auditSql, asked)) };
      });
    } catch (error) {
      const wrong = wrongInput(error);
      throw wrong
        ? new InvalidInput([{ path: 'refusedKeys', message: wrong }])
        : pgFailure(error, 'work');
    } finally {
      this.#line.leave();
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** All that callers send is cast to ids and amounts; every scenario takes the ids of its keys. */
function wrongInput(error: unknown): string | undefined {
  const state = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  if (state === '22P02') return 'this scenario judges refusals by the id of the key alone';
  return state.startsWith('22') ? 'has a number that is too large for this scenario' : undefined;
}

async function readOnly<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(error => {
    throw pgFailure(error, 'connect');
  });
  let broken = false;
  try {
    await client.query(
      `begin transaction isolation level repeatable read, read only;
       set local statement_timeout = ${auditMaxMs}; set local lock_timeout = ${lockWaitMs}`,
    );
    return await work(client);
  } finally {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    client.release(broken);
  }
}

async function auditOf(
  client: PoolClient,
  auditSql: string,
  asked: AuditRequest,
): Promise<Omit<AuditReport, 'openTransactions'>> {
  const { keys, acknowledged, denied, refusedKeys } = asked;
  const run = async (
    ids: readonly string[] | null,
    commands: readonly CommandRef[],
    refused: readonly string[],
  ): Promise<Violation[]> => {
    const values = [ids, commands.map(one => one.key), commands.map(one => one.commandId), refused];
    return (await client.query<Violation>(auditSql, values)).rows;
  };
  const found = await run(keys ?? null, acknowledged, refusedKeys);
  // what only callers could know is told for no key of the rows
  const wrong = found.filter(({ kind }) => !isOfCallers(kind)).map(({ key }) => key);
  // the audit reports absent commands as lost acknowledgements; the others exist, and any other row
  // names one whose effect is outside the database
  const absent = denied.length > 0 ? await run([], denied, []) : [];
  const there = deniedAndThere(denied, absent);
  return {
    excess: sumsOf(found),
    findings: found.length + there.length,
    keys: new Set(wrong).size,
    deniedAndThere: there.reduce((sum, { excess }) => sum + excess, 0),
    violations: [...found, ...there].slice(0, violationsMax),
  };
}

function isOfCallers(kind: Violation['kind']): boolean {
  return kind === 'lost acknowledgement' || kind === 'false refusal';
}

function deniedAndThere(denied: readonly CommandRef[], absent: readonly Violation[]): Violation[] {
  const there = new Map<string, number>();
  for (const { key } of denied) there.set(key, (there.get(key) ?? 0) + 1);
  for (const { key, kind, excess } of absent) {
    const one = kind === 'lost acknowledgement' ? -1 : excess;
    there.set(key, (there.get(key) ?? 0) + one);
  }
  return [...there].flatMap(([key, excess]) => {
    const detail = `${excess} commands were answered as having no effect but took effect`;
    return excess > 0 ? [{ key, kind: 'inconsistent', excess, detail } as const] : [];
  });
}

function sumsOf(found: readonly Violation[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { kind, excess } of found) sums[kind] = (sums[kind] ?? 0) + excess;
  return sums;
}
