import pg from 'pg';
import type { PostgresControl } from './postgres-control.ts';
import { Unjudged } from './unjudged.ts';

/** A kind of lease stored in rows; Postgres does not end it, so the explorer has to. */
export interface RowLease {
  /** For the timeline: `shedlock`. */
  readonly name: string;
  /**
   * SQL that returns one row per lease currently held: its name as text in the column `lease` and, if
   * known, the milliseconds left in the column `ms`.
   */
  readonly held: string;
  /**
   * SQL, with `$1` for the name of a lease, that makes it expire:
   * `update shedlock set lock_until = now() where name = $1`. Under REPEATABLE READ and above the
   * holder's own later write to that row fails with 40001, as behind any other writer.
   */
  readonly end: string;
}

/** A lease in a row that can be ended now: nobody has its row locked. */
export interface HeldRow {
  readonly kind: RowLease;
  readonly lease: string;
  readonly leftMs: number | undefined;
}

/** The explorer must not wait for an actor that holds the row. */
const lockTimeoutMs = 20;
const lockNotAvailable = '55P03';

/** Those that are held and whose rows are free, in an order that does not depend on the plan. */
export async function heldRows(
  postgres: PostgresControl,
  kinds: readonly RowLease[],
): Promise<HeldRow[]> {
  const held: HeldRow[] = [];
  for (const kind of kinds) {
    const found: HeldRow[] = [];
    for (const row of await leasesOf(postgres, kind)) {
      const { lease, ms } = row;
      if (typeof lease !== 'string') {
        throw new Unjudged(
          `leases '${kind.name}': expected a text column 'lease' in what held returns`,
        );
      }
      const leftMs = ms === undefined || ms === null ? undefined : Number(ms);
      found.push({ kind, lease, leftMs });
    }
    found.sort((a, b) => (a.lease < b.lease ? -1 : a.lease > b.lease ? 1 : 0));
    for (const row of found) if (await endRow(postgres, row, 'rollback')) held.push(row);
  }
  return held;
}

/** Makes it end; false where somebody has its row locked, and it stays as it is. */
export async function endRow(
  postgres: PostgresControl,
  { kind, lease }: HeldRow,
  how: 'commit' | 'rollback' = 'commit',
): Promise<boolean> {
  const statement = kind.end.replace(/\$1\b/g, () => pg.escapeLiteral(lease));
  try {
    await postgres.query(
      `begin isolation level read committed; ${postgres.heedTriggers}
      set local lock_timeout = ${lockTimeoutMs}; ${statement}`,
    );
    await postgres.query(how);
    return true;
  } catch (error) {
    await postgres.query('rollback');
    if (error instanceof Error && Reflect.get(error, 'code') === lockNotAvailable) return false;
    throw named(kind, error);
  }
}

async function leasesOf(
  postgres: PostgresControl,
  kind: RowLease,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  try {
    return await postgres.query(kind.held);
  } catch (error) {
    throw named(kind, error);
  }
}

function named({ name }: RowLease, cause: unknown): Unjudged {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Unjudged(`leases '${name}': ${message}`, { cause });
}
