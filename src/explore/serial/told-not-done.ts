import type { ActorEnd } from '../run/actor.ts';
import type { TraceLine } from '../run/trace.ts';
import { httpAnswer } from '../told.ts';

/** Why a caller was not served, in an answer that no serial order gives. */
export type NotDone =
  /** It was told so in words or by a status that means it. */
  | 'told'
  /** A failure of the service behind an error of Postgres that asks for another try. */
  | 'retry'
  /** An event took its answer: what it wanted may have been done or not. */
  | 'unknown';

/** Conflict, locked, too early, too many requests, unavailable. */
const statuses = new Set([409, 423, 425, 429, 503]);
const words =
  /\b(busy|try again|try later|retry|retries|locked|not available|unavailable|in progress|too many requests|could not (get|obtain|acquire)|conflict|not done|lock_not_available)\b/i;
/** serialization_failure, deadlock_detected, lock_not_available, unique_violation. */
const retried = /\b(40001|40P01|55P03|23505)\b/;

/** Undefined where the answer claims to be one. `lines` are the caller's own. */
export function notDone(
  end: ActorEnd | undefined,
  lines: readonly TraceLine[],
  refusals: readonly (string | RegExp)[],
): NotDone | undefined {
  if (end === undefined) return undefined;
  if (end.kind === 'crashed') return 'unknown';
  const http = httpAnswer(end);
  const text = http?.text ?? textOf(end);
  const declared = refusals.some(one =>
    typeof one === 'string' ? text.includes(one) : text.search(one) >= 0,
  );
  if (declared) return 'told';
  const fails = end.kind === 'threw' || (http !== undefined && http.status >= 500);
  const asked = lines.some(({ result }) => retried.test(result.replace(/^.*→ /, '')));
  if (fails && http?.status !== 503 && (asked || retried.test(text))) return 'retry';
  if (http === undefined && retried.test(text)) return 'retry';
  if (http !== undefined) {
    const says = statuses.has(http.status) || (http.status >= 400 && words.test(http.text));
    return says ? 'told' : undefined;
  }
  return words.test(text) ? 'told' : undefined;
}

function textOf(end: ActorEnd): string {
  if (end.kind === 'threw') return end.message;
  if (end.kind === 'crashed') return '';
  return typeof end.value === 'string' ? end.value : (JSON.stringify(end.value) ?? '');
}
