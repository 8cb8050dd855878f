/**
 * A schedule as a value that can be printed, stored and replayed: `v1:AABb!CA`. The tokens are
 * explained at `Choice`.
 */
const token = /[A-Z]\d*|[a-z]|[!?^*~@][A-Z]|[%#]/y;

export function formatSchedule(tokens: readonly string[]): string {
  return `v1:${tokens.join('')}`;
}

/** Throws when the text is no schedule of a version that this code knows. */
export function parseSchedule(text: string): string[] {
  if (!text.startsWith('v1:')) throw new Error(`not a schedule of version 1: ${text}`);
  const tokens: string[] = [];
  token.lastIndex = 3;
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new Error(`cannot read the schedule from '${text.slice(from)}'`);
    tokens.push(found[0]);
  }
  return tokens;
}

/** One actor after the other, each to its end. */
export function isSerial(tokens: readonly string[]): boolean {
  const actors = tokens.map(one => one.replace(/[\d^]/g, '').toUpperCase());
  const changes = actors.filter((actor, at) => actor !== actors[at - 1]);
  return new Set(changes).size === changes.length;
}
