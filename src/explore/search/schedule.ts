/**
 * A schedule as a value that can be printed, stored and replayed: `v2:AAB+Bb!CA`. The tokens are
 * explained at `Choice`.
 */
export interface Schedule {
  /** In version 1 a token could stand for two choices: the first of them was meant. */
  readonly version: 1 | 2;
  readonly tokens: readonly string[];
}

const token = /[-+^?]?[A-Z]\d*|[a-z]|[!*~@&][A-Z]|%\d*|#/y;

export function formatSchedule(tokens: readonly string[]): string {
  return `v2:${tokens.join('')}`;
}

/** Throws when the text is no schedule of a version that this code knows. */
export function parseSchedule(text: string): Schedule {
  const version = /^v([12]):/.exec(text)?.[1];
  if (version === undefined) {
    throw new Error(`expected a schedule that begins with v2: or v1:, got '${text}'`);
  }
  const tokens: string[] = [];
  token.lastIndex = 3;
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new Error(`cannot read the schedule from '${text.slice(from)}'`);
    tokens.push(found[0]);
  }
  return { version: version === '1' ? 1 : 2, tokens };
}

/** BEGIN as a step of its own, where it otherwise runs with the statement after it. */
export function beginsAlone(one: string): boolean {
  return one.startsWith('-');
}

/** One actor after the other, each to its end. */
export function isSerial(tokens: readonly string[]): boolean {
  const actors = tokens.map(one => one.replace(/[\d^+-]/g, '').toUpperCase());
  const changes = actors.filter((actor, at) => actor !== actors[at - 1]);
  return new Set(changes).size === changes.length;
}
