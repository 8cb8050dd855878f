/**
 * Ids of commands. Every effect is stored with the id of its command, so an id that says when the
 * command began and under which strategy makes "who decided this key" readable from the rows
 * themselves: by any process and after a restart, and without a write of its own.
 */
import { createHash, randomBytes } from 'node:crypto';

/** What an id of ours says. */
export interface CommandOrigin {
  /** When the command began, in milliseconds since 1970. */
  readonly beganMs: number;
  /** Of the strategy's name; see `markOf`. */
  readonly mark: string;
}

const markBytes = 3; // 24 bits: of a hundred names, two are alike in one fleet of 3,400

/** Six hexadecimal digits that stand for a strategy's name. */
export function markOf(strategy: string): string {
  return createHash('sha256')
    .update(strategy)
    .digest('hex')
    .slice(0, 2 * markBytes);
}

const marks = new Map<string, string>();
const marksMax = 1_000; // names come from the registry

/**
 * A new id: a UUID of version 8 (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8) of 48 bits
 * of time, 24 of the strategy's mark and 50 at random.
 */
export function newCommandId(strategy: string, nowMs = Date.now()): string {
  const mark = marks.get(strategy) ?? markOf(strategy);
  if (marks.size < marksMax) marks.set(strategy, mark);
  const time = nowMs.toString(16).padStart(12, '0');
  const random = randomBytes(7);
  const variant = (8 + ((random[0] ?? 0) & 3)).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `8${mark.slice(0, 3)}`,
    `${variant}${mark.slice(3)}`,
    random.toString('hex', 1),
  ].join('-');
}

const ours = /^([\da-f]{8})-([\da-f]{4})-8([\da-f]{3})-[89ab]([\da-f]{3})-[\da-f]{12}$/;

/** Undefined for an id that was made elsewhere. */
export function originOf(commandId: string): CommandOrigin | undefined {
  const [, high, low, first, second] = ours.exec(commandId) ?? [];
  if (high === undefined) return undefined;
  return { beganMs: Number.parseInt(`${high}${low}`, 16), mark: `${first}${second}` };
}
