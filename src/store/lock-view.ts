import pg from 'pg';
import type {
  LockBackend,
  LockHolder,
  LockRelease,
  LockState,
  Strategy,
} from '../contract/index.ts';
import { errorMessage } from '../error-message.ts';

type Kind = Exclude<LockState['kind'], 'lease'>;

/** The locks of Postgres that a strategy takes; every one of them locks the rows that it writes. */
export function postgresKinds({ turns, first, guard }: Strategy): readonly Kind[] {
  const advisory = first.length > 0 || turns.some(({ heldBy }) => heldBy === 'session');
  return [
    ...(advisory ? (['advisory lock'] as const) : []),
    ...(guard.includes('lock table') ? (['table lock'] as const) : []),
    'row lock',
  ];
}

interface Found {
  readonly pid: number;
  readonly granted: boolean;
  readonly application: string;
  readonly client: string | null;
  readonly state: string | null;
  readonly backend_start: string;
  readonly start_epoch: string;
  readonly transaction_start: string | null;
  readonly query_start: string | null;
  readonly waiting_ms: string | null;
}

/** As `advisory-*` name their locks: one key of 64 bits, which pg_locks shows in two halves. */
const advisorySql = `
  select l.pid, l.granted, l.waitstart
  from pg_locks l, hashtextextended($1, 0) as hash
  where l.locktype = 'advisory' and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = ((hash >> 32) & 4294967295)::oid
    and l.objid = (hash & 4294967295)::oid`;

const tableSql = `
  select l.pid, l.granted, l.waitstart
  from pg_locks l
  where l.locktype = 'relation' and l.relation = to_regclass(split_part($1, '/', 1))
    and l.database = (select oid from pg_database where datname = current_database())
    and (not l.granted
      or l.mode in ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))`;

/**
 * A row lock is written in the row: its xmax is the transaction that holds it, or a group of them
 * (multixact). Only those count that still run and have locked the table: numbers are used again. The
 * first waiter has the tuple's own lock and waits for the holder, the others wait for that lock.
 */
function rowSql(table: string): string {
  return `
  with here as (
    select ctid, xmax from ${table} where id = split_part($1, '/', 2)::bigint
  ), holding as (
    select l.pid from pg_locks l, here
    where l.locktype = 'transactionid' and l.granted and here.xmax <> '0'::xid
      and l.transactionid = here.xmax
  ), queued as (
    select l.pid, l.waitstart from pg_locks l, here
    where l.locktype = 'tuple' and l.relation = '${table}'::regclass
      and l.page = (here.ctid::text::point)[0]::integer
      and l.tuple = (here.ctid::text::point)[1]::smallint
  ), blocking as (
    select unnest(pg_blocking_pids(pid)) as pid from queued
  ), holders as (
    select pid from holding
    union
    select pid from blocking where pid not in (select pid from queued)
  )
  select pid, true as granted, null::timestamptz as waitstart from holders
  where pid in (
    select pid from pg_locks
    where locktype = 'relation' and relation = '${table}'::regclass and granted)
  union all
  select pid, false, coalesce(waitstart, (
    select min(w.waitstart) from pg_locks w where w.pid = queued.pid and not w.granted))
  from queued where pid not in (select pid from holders)`;
}

const withBackends = (locks: string): string => `
  select f.pid, f.granted, a.application_name as application, a.client_addr::text as client, a.state,
    a.backend_start::text, extract(epoch from a.backend_start)::text as start_epoch,
    a.xact_start::text as transaction_start, a.query_start::text,
    (extract(epoch from clock_timestamp() - f.waitstart) * 1000)::bigint::text as waiting_ms
  from (${locks}) as f join pg_stat_activity a on a.pid = f.pid
  order by f.granted desc, f.waitstart
  limit 200`;

// the start, too: a process id is given again
const endSql = `
  select pg_terminate_backend(pid, $3) as ended from pg_stat_activity
  where pid = $1 and extract(epoch from backend_start)::text = $2`;

const answerMaxMs = 2_000;

/** The tables that keys may name: any other text never becomes SQL. */
const keyForm = /^([a-z_][a-z0-9_]*)\/[1-9]\d{0,17}$/;

const noSuchKey = 'no such key';

/** No such table, or none with an id that is a number: SQLSTATE class 42. */
function isAboutNames(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('42') === true;
}

/** What Postgres says of one key (`table/id`), for operators. `pool` must not be one that callers wait for. */
export class PostgresLocks {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Never rejects: what cannot be read is `unknown`. */
  async inspect(key: string, kinds: readonly Kind[]): Promise<readonly LockState[]> {
    return Promise.all(kinds.map(kind => this.#state(key, kind)));
  }

  /**
   * Ends the session of a holder of this lock: its transaction is rolled back, and every lock that it
   * has is freed. Rejects where Postgres does not let us.
   */
  async release(key: string, kind: Kind, holder: string): Promise<LockRelease> {
    const state = await this.#state(key, kind);
    if (state.unknown === noSuchKey) return 'free'; // nobody holds what is not there
    if (state.unknown !== undefined) throw new Error(state.unknown);
    const current = state.holders.find(one => one.holder === holder);
    if (!current?.backend) return state.holders.length > 0 ? 'changed' : 'free';
    const [pid, start] = holder.split('@');
    const bounded = {
      text: endSql,
      values: [pid, start, answerMaxMs / 2],
      query_timeout: answerMaxMs,
    };
    const { rows } = await this.#pool.query<{ ended: boolean }>(bounded);
    return rows[0]?.ended === true ? 'released' : 'free';
  }

  async #state(key: string, kind: Kind): Promise<LockState> {
    const state = { kind, at: 'postgres' } as const;
    const [, table] = keyForm.exec(key) ?? [];
    if (table === undefined) return { ...state, holders: [], waiters: [], unknown: noSuchKey };
    const locks = {
      'advisory lock': advisorySql,
      'table lock': tableSql,
      'row lock': rowSql(table),
    };
    try {
      const text = withBackends(locks[kind]);
      const bounded = { text, values: [key], query_timeout: answerMaxMs };
      const { rows } = await this.#pool.query<Found>(bounded);
      return {
        ...state,
        holders: rows.filter(({ granted }) => granted).map(holderOf),
        waiters: rows
          .filter(({ granted }) => !granted)
          .map(row => ({
            waiter: `${row.pid}@${row.start_epoch}`,
            ...(row.waiting_ms !== null && { waitingMs: Number(row.waiting_ms) }),
            backend: backendOf(row),
          })),
      };
    } catch (error) {
      const unknown = isAboutNames(error) ? noSuchKey : errorMessage(error);
      return { ...state, holders: [], waiters: [], unknown };
    }
  }
}

function holderOf(row: Found): LockHolder {
  return { holder: `${row.pid}@${row.start_epoch}`, backend: backendOf(row) };
}

function backendOf(row: Found): LockBackend {
  return {
    pid: row.pid,
    application: row.application,
    client: row.client,
    state: row.state,
    backendStart: row.backend_start,
    transactionStart: row.transaction_start,
    queryStart: row.query_start,
  };
}
