import type { ActorEnd } from '../run/actor.ts';
import type { TraceLine } from '../run/trace.ts';
import type { EventKind } from '../search/choice.ts';
import { httpAnswer } from '../told.ts';

/** Why a caller was not served, in an answer that no serial order gives. */
export type NotDone =
  /** It was told so in words or by a status that means it. */
  | 'told'
  /** A failure of the service behind an error of Postgres that asks for another try. */
  | 'retry'
  /** An event took its answer: what it wanted may have been done or not. */
  | 'unknown';

/** Locked, too early, too many requests, unavailable. */
const statuses = new Set([423, 425, 429, 503]);
/** Conflict, precondition failed: rules of the business end so, too, and those hold serially. */
const conflicts = new Set([409, 412]);
const words =
  /\b(busy|try again|try later|retry|retries|locked|unavailable|in progress|too many requests|could not (get|obtain|acquire)|not done|lock_not_available)\b/i;
const conflictWords = /\b(conflict|not available)\b/i;
/** serialization_failure, deadlock_detected, lock_not_available, unique_violation. */
const retried = /\b(40001|40P01|55P03|23505)\b/;

/** Events that may take a caller's answer, or the server's answer to it. */
const takesAnswer = new Set<string>([
  'crash',
  'lost-reply',
  'backend-terminated',
  'timeout',
  'client-timeout',
] satisfies EventKind[]);

/**
 * `notDone` in an order with events: where one took this caller's answer it is not known what was
 * done, nor where it fails behind another. All other answers stand. `lines` are those of the order.
 */
export function notDoneAmong(
  actor: number,
  end: ActorEnd | undefined,
  lines: readonly TraceLine[],
  refusals: readonly (string | RegExp)[],
): NotDone | undefined {
  const own = lines.filter(line => line.actor === actor);
  const said = notDone(end, own, refusals);
  const met = lines.filter(one => one.store === 'event' && (one.actor ?? actor) === actor);
  if (met.some(({ label }) => takesAnswer.has(label))) return 'unknown';
  if (met.length > 0 && said === undefined && end !== undefined && fails(end)) return 'unknown';
  return said;
}

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
  const asked = lines.some(line => retried.test(resultOf(line)));
  if (fails(end) && http?.status !== 503 && (asked || retried.test(text))) return 'retry';
  if (http === undefined && retried.test(text)) return 'retry';
  const status = http?.status;
  if (status !== undefined && statuses.has(status)) return 'told';
  if (status !== undefined && status < 400) return undefined;
  if (words.test(text)) return 'told';
  const conflict = (status !== undefined && conflicts.has(status)) || conflictWords.test(text);
  return conflict && lines.some(yielded) ? 'told' : undefined;
}

const asksForLock = /try_advisory_|\bskip\s+locked\b/i;
const redisAsks = /^(set\b.*\bnx\b|(h?setnx|exec|eval|evalsha|fcall)\b)|\bexec$/is;

/** It gave way to another: a lock, a row or a key that it wanted was not to be had. */
function yielded(line: TraceLine): boolean {
  const { store, label } = line;
  const result = resultOf(line);
  if (store === 'postgres') {
    if (retried.test(result) || /\b(UPDATE|DELETE|INSERT 0|MERGE) 0\b/.test(result)) return true;
    return asksForLock.test(label) && /^\(f\b|\b0 rows\b/.test(result);
  }
  return redisAsks.test(label) && /^(null|0|false)$|,null\]$/.test(result);
}

/** What came back at last. */
function resultOf({ result }: TraceLine): string {
  return result.replace(/^.*→ /, '');
}

function fails(end: ActorEnd): boolean {
  return end.kind === 'threw' || (httpAnswer(end)?.status ?? 0) >= 500;
}

function textOf(end: ActorEnd): string {
  if (end.kind === 'threw') return end.message;
  if (end.kind === 'crashed') return '';
  return typeof end.value === 'string' ? end.value : (JSON.stringify(end.value) ?? '');
}
