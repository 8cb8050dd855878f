import type { RecordedAnswer, RecordedRequest } from '../record/recording.ts';

/** What a replayed request was told. */
export type Answer = RecordedAnswer | null;

/**
 * Why a replayed answer does not stand for the recorded one; undefined where its status and its
 * shape are the same. Two callers who are both turned away at the door agree with every serial order.
 */
export function differs(recorded: Answer, replayed: Answer): string | undefined {
  if (recorded === null) return 'the recording has no answer to it';
  if (replayed === null) return 'it was not answered';
  if (recorded.status !== replayed.status)
    return `answered ${replayed.status}, and ${recorded.status} when it was recorded`;
  const [was, is] = [shapeOf(recorded), shapeOf(replayed)];
  return was === is ? undefined : `answered ${is}, and ${was} when it was recorded`;
}

/** The structure of a body without its values. */
export function shapeOf({ body, headers }: RecordedAnswer): string {
  if (body.text === '') return 'nothing';
  const value = jsonOf(body.text);
  if (value !== undefined) return shape(value, 0);
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'bytes';
  return type.split(';')[0]?.trim() ?? 'bytes';
}

const depthMax = 16;
const keysMax = 200;

function shape(value: unknown, depth: number): string {
  if (value === null) return 'null';
  if (depth >= depthMax) return '…';
  if (Array.isArray(value)) return `[${value.map(one => shape(one, depth + 1)).join(', ')}]`;
  if (typeof value !== 'object') return typeof value;
  const entries = Object.entries(value)
    .slice(0, keysMax)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${key}: ${shape(one, depth + 1)}`).join(', ')}}`;
}

export function jsonOf(text: string): unknown {
  if (!/^\s*[[{"\dtfn-]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Two requests were under way at the same time when they were recorded. */
export function overlapped(one: RecordedRequest, other: RecordedRequest): boolean {
  const [oneEnd, otherEnd] = [one.atMs + one.tookMs, other.atMs + other.tookMs];
  return one.id !== other.id && one.atMs < otherEnd && other.atMs < oneEnd;
}

/** The caller was not let in, or not for now. */
const turnedAway = new Set([401, 403, 407, 419, 429]);

/** Whether an answer says nothing of the operation itself: nobody got as far as that. */
export function isTurnedAway(answer: Answer): boolean {
  if (answer === null || turnedAway.has(answer.status)) return true;
  const { status, headers } = answer;
  const [, where = ''] = headers.find(([name]) => name.toLowerCase() === 'location') ?? [];
  return status >= 300 && status < 400 && /log[-_]?in|sign[-_]?in/i.test(where);
}
