import { type Decision, Failure, type Query, type Strategy, sql } from '../contract/index.ts';
import type { Schema } from '../store/migrate.ts';

/** A caller's promise that commands with this key are one command. */
export interface IdempotencyKey {
  readonly key: string;
  /** Stands for the payload: another one under the same key is refused. */
  readonly fingerprint: string;
}

/** The first answer, as it was given. */
export interface StoredAnswer {
  readonly decision: Decision;
  readonly auditKey: string;
  readonly commandId: string;
  readonly attempts: number;
}

/** The key belongs to a command that runs now, or to another one. Nothing happened. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
  readonly reason: 'in flight' | 'another payload';

  constructor(reason: KeyRefused['reason']) {
    super(`the idempotency key belongs to a command ${reason}`);
    this.reason = reason;
  }
}

/** Ends an attempt whose key was answered before: rolled back, and the answer given again. */
export class Answered extends Error {
  override readonly name = 'Answered';
  readonly answer: StoredAnswer;

  constructor(answer: StoredAnswer) {
    super('the command was answered before');
    this.answer = answer;
  }
}

/** Keys are one space for all routes: the same key elsewhere is another payload. */
export const idempotencySchema: Schema = {
  name: 'idempotency',
  schemaSql: `
create table if not exists lockstep_idempotency_keys (
  key text primary key,
  fingerprint text not null,
  command_id uuid not null,
  outcome text check (outcome in ('accepted', 'refused')),
  detail text,
  audit_key text,
  attempts integer,
  created_at timestamptz not null default now()
);
create index if not exists lockstep_idempotency_keys_by_age on lockstep_idempotency_keys (created_at)`,
};

interface StoredRow {
  readonly fingerprint: string;
  readonly outcome: 'accepted' | 'refused';
  readonly detail: string;
  readonly audit_key: string;
  readonly command_id: string;
  readonly attempts: number;
}

const find = sql<StoredRow>`
  select fingerprint, outcome, detail, audit_key, command_id, attempts
  from lockstep_idempotency_keys where key = $1`;

// whoever runs under the key holds this lock until its transaction ends, however it ends
const isFree = sql<{ free: boolean }>`
  select pg_try_advisory_xact_lock_shared(hashtextextended('lockstep idempotency ' || $1, 0)) as free`;

// the unique index and not the snapshot refuses a second row, so this holds at every isolation level;
// it never waits, since nobody inserts without the lock
const claim = sql<{ key: string }>`
  insert into lockstep_idempotency_keys (key, fingerprint, command_id)
  select $1, $2, $3::uuid
  where pg_try_advisory_xact_lock(hashtextextended('lockstep idempotency ' || $1, 0))
  on conflict (key) do nothing
  returning key`;

const settle = sql<{ key: string }>`
  update lockstep_idempotency_keys
  set outcome = $2, detail = $3, audit_key = $4, attempts = $5
  where key = $1 returning key`;

/**
 * Before any turn is taken: the answer that was given under this key, or undefined where the command
 * may run. Throws `KeyRefused`.
 */
export async function answerBefore(
  query: Query,
  { key, fingerprint }: IdempotencyKey,
): Promise<StoredAnswer | undefined> {
  const [probe] = await query(isFree, [key]);
  const [row] = await query(find, [key]); // after the probe: who held the lock then has committed
  if (row) return answerOf(row, fingerprint);
  if (probe?.free !== true) throw new KeyRefused('in flight');
  return undefined;
}

/**
 * Makes the key this command's own, as the first statement of its transaction: before anything can
 * happen outside. Throws `Answered`, `KeyRefused`, and what the database refuses.
 */
export async function claimKey(
  query: Query,
  { key, fingerprint }: IdempotencyKey,
  commandId: string,
  attempt: number,
): Promise<void> {
  const [claimed] = await query(claim, [key, fingerprint, commandId]);
  if (claimed) return;
  const [row] = await query(find, [key]);
  if (row) throw new Answered(answerOf(row, fingerprint));
  // a connection that broke under an earlier attempt may hold the lock until Postgres has noticed
  if (attempt > 1) throw new Failure('conflict');
  throw new KeyRefused('in flight');
}

/** Writes the answer beside the effect, to be committed with it. */
export async function settleKey(
  query: Query,
  { key }: IdempotencyKey,
  decision: Decision,
  auditKey: string,
  attempts: number,
): Promise<void> {
  const accepted = 'accepted' in decision;
  const detail = accepted ? decision.accepted : decision.refused;
  const outcome = accepted ? 'accepted' : 'refused';
  await query(settle, [key, outcome, detail, auditKey, attempts]);
}

/**
 * Why a key cannot be stored under a strategy: storing it takes the snapshot, and this one has to
 * lock its table before that.
 */
export function reasonAgainstKey({ isolation, guard }: Strategy): string | undefined {
  return isolation !== 'read committed' && guard.includes('lock table')
    ? `at ${isolation} the table has to be locked before the first statement`
    : undefined;
}

function answerOf(row: StoredRow, fingerprint: string): StoredAnswer {
  if (row.fingerprint !== fingerprint) throw new KeyRefused('another payload');
  const { outcome, detail } = row;
  return {
    decision: outcome === 'accepted' ? { accepted: detail } : { refused: detail },
    auditKey: row.audit_key,
    commandId: row.command_id,
    attempts: row.attempts,
  };
}
