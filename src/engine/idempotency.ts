import {
  type Decision,
  Failure,
  type Outcome,
  type Query,
  type Strategy,
  sql,
} from '../contract/index.ts';
import type { Schema } from '../store/migrate.ts';

/** A caller's promise that all commands with this key are the same command. */
export interface IdempotencyKey {
  readonly key: string;
  /** Hash of the payload: a different payload under the same key is rejected. */
  readonly fingerprint: string;
}

/** The first answer, as returned to the caller. */
export interface StoredAnswer {
  readonly outcome: Outcome;
  /** Empty for a command that died before it could store anything else than its key. */
  readonly auditKey: string;
  readonly commandId: string;
}

/** The key belongs to a command in flight or to a different payload. Nothing happened. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
  readonly reason: 'in flight' | 'another payload';

  constructor(reason: KeyRefused['reason']) {
    super(
      `the idempotency key belongs to ${reason === 'in flight' ? 'a command in flight' : 'another payload'}`,
    );
    this.reason = reason;
  }
}

/** Ends an attempt whose key already has an answer: rolls back, and the answer is replayed. */
export class Answered extends Error {
  override readonly name = 'Answered';
  readonly answer: StoredAnswer;

  constructor(answer: StoredAnswer) {
    super('the command has already been answered');
    this.answer = answer;
  }
}

/** All routes share one key space: the same key on another route counts as another payload. */
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
  migrations: [
    {
      name: 'idempotency/migrations/0001-unknown.sql',
      sql: `
alter table lockstep_idempotency_keys drop constraint lockstep_idempotency_keys_outcome_check;
alter table lockstep_idempotency_keys add constraint lockstep_idempotency_keys_outcome_check
  check (outcome in ('accepted', 'refused', 'unknown'))`,
    },
    {
      name: 'idempotency/migrations/0002-list-the-commands.sql',
      sql: `
-- Every command that ended under a key. Nothing is unique on purpose: by this list the audit judges
-- whether a key let in more than one, so it must not be what keeps them out.
create table if not exists lockstep_idempotency_commands (
  key text not null,
  command_id uuid not null
);
create index if not exists lockstep_idempotency_commands_by_key
  on lockstep_idempotency_commands (key);
create index if not exists lockstep_idempotency_commands_by_command
  on lockstep_idempotency_commands (command_id)`,
    },
  ],
};

/** The schema with its migrations, for a database that keeps no record of them. */
export const idempotencySql = [
  idempotencySchema.schemaSql,
  ...(idempotencySchema.migrations ?? []).map(({ sql: text }) => text),
].join(';\n');

interface StoredRow {
  readonly fingerprint: string;
  /** Null: announced, and not ended. */
  readonly outcome: 'accepted' | 'refused' | 'unknown' | null;
  readonly detail: string | null;
  readonly audit_key: string | null;
  readonly command_id: string;
  readonly attempts: number | null;
  readonly overdue: boolean;
}

// overdue: longer than any command may wait for its turn (WAIT_MS), after which it holds the lock
const find = sql<StoredRow>`
  select fingerprint, outcome, detail, audit_key, command_id, attempts,
    created_at < now() - interval '65 seconds' as overdue
  from lockstep_idempotency_keys where key = $1`;

// a command running under the key holds this lock until its transaction ends
const isFree = sql<{ free: boolean }>`
  select pg_try_advisory_xact_lock_shared(hashtextextended('lockstep idempotency ' || $1, 0)) as free`;

// the unique index, not the snapshot, rejects a second row, so this works at every isolation level;
// it never waits, since only the lock holder inserts
const claim = sql<{ key: string }>`
  insert into lockstep_idempotency_keys (key, fingerprint, command_id)
  select $1, $2, $3::uuid
  where pg_try_advisory_xact_lock(hashtextextended('lockstep idempotency ' || $1, 0))
  on conflict (key) do nothing
  returning key`;

const settle = sql<{ key: string }>`
  with listed as (
    insert into lockstep_idempotency_commands (key, command_id) values ($1, $6::uuid)
  )
  update lockstep_idempotency_keys
  set outcome = $2, detail = $3, audit_key = $4, attempts = $5
  where key = $1 returning key`;

/**
 * Called before any lock is taken: returns the stored answer for this key, or undefined if the
 * command may run. Throws `KeyRefused`.
 */
export async function answerBefore(
  query: Query,
  { key, fingerprint }: IdempotencyKey,
): Promise<StoredAnswer | undefined> {
  const [probe] = await query(isFree, [key]);
  const [row] = await query(find, [key]); // after the probe: a holder that was gone by then has committed
  const answer = row && answerOf(row, fingerprint);
  if (answer) return answer;
  if (probe?.free !== true || (row && !row.overdue)) throw new KeyRefused('in flight');
  return row && endedUnknown(row); // announced, and its process has died
}

/**
 * Claims the key as the first statement of the command's transaction, before any outside effect is
 * possible. Throws `Answered`, `KeyRefused` and database failures.
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
  const answer = row && answerOf(row, fingerprint);
  if (answer) throw new Answered(answer);
  // the broken connection of an earlier attempt may hold the lock until Postgres notices
  if (attempt > 1) throw new Failure('conflict');
  throw new KeyRefused('in flight');
}

/** The decision of a command, to be stored under its key. */
export interface Settlement {
  readonly decision: Decision;
  readonly auditKey: string;
  readonly commandId: string;
  readonly attempts: number;
}

/** Stores the answer, and that this command gave it, in the same transaction as the effect. */
export async function settleKey(
  query: Query,
  { key }: IdempotencyKey,
  { decision, auditKey, commandId, attempts }: Settlement,
): Promise<void> {
  const accepted = 'accepted' in decision;
  const detail = accepted ? decision.accepted : decision.refused;
  const outcome = accepted ? 'accepted' : 'refused';
  await query(settle, [key, outcome, detail, auditKey, attempts, commandId]);
}

/**
 * Why a key cannot be stored under a strategy: storing it takes the snapshot, but this strategy
 * must lock its table first.
 */
export function reasonAgainstKey({ isolation, guard }: Strategy): string | undefined {
  return isolation !== 'read committed' && guard.includes('lock table')
    ? `at ${isolation} the table must be locked before the first statement`
    : undefined;
}

/** Undefined while the command has not ended. */
function answerOf(row: StoredRow, fingerprint: string): StoredAnswer | undefined {
  if (row.fingerprint !== fingerprint) throw new KeyRefused('another payload');
  const { outcome: kind, detail, audit_key, command_id: commandId, attempts } = row;
  if (kind === null) return undefined;
  if (kind === 'unknown') return endedUnknown(row);
  const outcome = { kind, detail: detail ?? '', attempts: attempts ?? 0 };
  return { outcome, auditKey: audit_key ?? '', commandId };
}

function endedUnknown({ audit_key, command_id: commandId, attempts }: StoredRow): StoredAnswer {
  const outcome = {
    kind: 'unknown',
    detail: 'effect-unknown',
    attempts: attempts ?? 0,
  } as const;
  return { outcome, auditKey: audit_key ?? '', commandId };
}
