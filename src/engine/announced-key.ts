/**
 * Keys of commands whose effect is outside the database. Such an effect stays when the transaction
 * is rolled back, so its key must stay too: it is announced in a transaction of its own before
 * anything can leave. A command that ends without having reached out withdraws it; one that has, or
 * whose process has died, leaves it, and whoever repeats the key is told `unknown`.
 */
import { Failure, type Outcome, type Query, sql } from '../contract/index.ts';
import { answerBefore, type IdempotencyKey, KeyRefused, type StoredAnswer } from './idempotency.ts';

const announce = sql<{ key: string }>`
  insert into lockstep_idempotency_keys (key, fingerprint, command_id)
  values ($1, $2, $3) on conflict (key) do nothing returning key`;

// never waits: an earlier attempt whose connection broke holds the lock and the row, or neither
const claim = sql<{ key: string }>`
  update lockstep_idempotency_keys set attempts = $3
  where key = $1 and command_id = $2 and outcome is null
    and pg_try_advisory_xact_lock(hashtextextended('lockstep idempotency ' || $1, 0))
  returning key`;

const leave = sql<{ key: string }>`
  update lockstep_idempotency_keys set outcome = 'unknown', audit_key = $3, attempts = $4
  where key = $1 and command_id = $2 and outcome is null
    and pg_try_advisory_xact_lock(hashtextextended('lockstep idempotency ' || $1, 0))
  returning key`;

const withdraw = sql<{ key: string }>`
  delete from lockstep_idempotency_keys
  where key = $1 and command_id = $2 and outcome is null
    and pg_try_advisory_xact_lock(hashtextextended('lockstep idempotency ' || $1, 0))
  returning key`;

/**
 * Reserves the key for this command, in autocommit. Returns the stored answer if there is one by
 * now. Throws `KeyRefused` and database failures.
 */
export async function announceKey(
  query: Query,
  key: IdempotencyKey,
  commandId: string,
): Promise<StoredAnswer | undefined> {
  const [announced] = await query(announce, [key.key, key.fingerprint, commandId]);
  if (announced) return undefined;
  const answer = await answerBefore(query, key);
  if (answer) return answer;
  throw new KeyRefused('in flight'); // withdrawn in this moment
}

/** Claims the announced key as the first statement of the command's transaction. */
export async function claimAnnounced(
  query: Query,
  { key }: IdempotencyKey,
  commandId: string,
  attempt: number,
): Promise<void> {
  const [claimed] = await query(claim, [key, commandId, attempt]);
  // somebody is just asking for the key, or an earlier attempt has not ended at the server
  if (!claimed) throw new Failure('conflict');
}

/**
 * What becomes of the key when the command has ended without an answer of its own. Never throws: a
 * key that cannot be written is in flight for its callers, and `unknown` once it is overdue.
 */
export async function endAnnounced(
  query: Query,
  { key }: IdempotencyKey,
  { commandId, outcome, auditKey }: Omit<StoredAnswer, 'outcome'> & { readonly outcome: Outcome },
): Promise<void> {
  if (outcome.kind === 'accepted' || outcome.kind === 'refused') return;
  const ended =
    outcome.detail === 'effect-unknown'
      ? query(leave, [key, commandId, auditKey, outcome.attempts])
      : query(withdraw, [key, commandId]);
  await ended.catch(() => {});
}
