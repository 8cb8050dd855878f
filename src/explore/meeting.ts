import type { Counterexample } from './counterexample.ts';
import { shapeOf } from './gate/lane.ts';
import type { TraceLine } from './run/trace.ts';

/** What one caller asked and was told on one of its connections, in order. */
export type Transcript = readonly Exchange[];

interface Exchange {
  readonly label: string;
  readonly reply: string;
}

/** Two callers affected each other, or one was affected by whoever came before it. */
export interface Meeting {
  /** Indices of the actors; one where it is not known which of the others it met. */
  readonly actors: readonly number[];
  readonly how: string;
  /** An order that shows it; undefined where only runs alone do. */
  readonly order?: Counterexample;
}

/**
 * What the servers told one actor, by connection: the token of a step names its connection. Answers
 * that never came are left out.
 */
export function transcriptsOf(
  lines: readonly TraceLine[],
  actor: number,
): ReadonlyMap<string, Transcript> {
  const found = new Map<string, Exchange[]>();
  for (const line of lines) {
    if (line.actor !== actor || line.store === 'clock' || line.store === 'event') continue;
    if (line.answeredAfter === 0 || line.result === 'snapshot taken') continue;
    const connection = `${line.store} ${line.token.replace(/^[^A-Z]+/, '')}`;
    const label = line.label.replace(/^effect of /, '');
    const exchange = { label, reply: line.reply ?? line.result };
    const known = found.get(connection);
    if (known === undefined) found.set(connection, [exchange]);
    else known.push(exchange);
  }
  return found;
}

/**
 * The first request whose answer depends on the other callers, or undefined: `met` is compared with
 * two runs alone. What differs between those (numbers of a sequence, moments, tokens) may be anything,
 * as long as equal values stay equal.
 */
export function dependsOnOthers(
  alone: ReadonlyMap<string, Transcript>,
  again: ReadonlyMap<string, Transcript>,
  met: ReadonlyMap<string, Transcript>,
): string | undefined {
  const renamed = new Renamed();
  for (const connection of new Set([...alone.keys(), ...met.keys()])) {
    const [a, b, c] = [alone, again, met].map(one => one.get(connection) ?? []);
    const found = firstDifference(a ?? [], b ?? [], c ?? [], renamed);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstDifference(
  alone: Transcript,
  again: Transcript,
  met: Transcript,
  renamed: Renamed,
): string | undefined {
  for (let at = 0; at < Math.max(alone.length, met.length); at++) {
    const [one, two, other] = [alone[at], again[at], met[at]];
    if (one === undefined || other === undefined) return (one ?? other)?.label;
    if (shapeOf(one.label) !== shapeOf(other.label)) return other.label;
    const noise = two === undefined || shapeOf(one.label) !== shapeOf(two.label);
    if (!noise && !renamed.alike(one.reply, two.reply, other.reply)) return other.label;
  }
  return undefined;
}

/** Values that differ from run to run, each with its counterpart in another run. */
class Renamed {
  readonly #names = new Map<string, string>();

  /** Whether the third equals the first but where the second differs, names mapped consistently. */
  alike(first: string, second: string, third: string): boolean {
    const [a, b, c] = [wordsOf(first), wordsOf(second), wordsOf(third)];
    // Its shape changes from run to run, so it proves nothing.
    if (a.length !== b.length) return true;
    if (a.length !== c.length) return false;
    return a.every((word, at) => {
      const [again = '', other = ''] = [b[at], c[at]];
      if (isMoment(word)) return isMoment(other);
      return word === again ? word === other : this.#isCalled(`${word} ${again}`, other);
    });
  }

  #isCalled(value: string, name: string): boolean {
    const known = this.#names.get(value) ?? name;
    this.#names.set(value, known);
    return known === name;
  }
}

const moment = String.raw`\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?`;
const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}';
const words = new RegExp(`${uuid}|${moment}|[\\p{L}\\p{N}_.+/=]+|[^\\p{L}\\p{N}_]`, 'gu');
const wholeMoment = new RegExp(`^${moment}$`);
const daySeconds = 86_400;

/** Names, numbers, uuids and moments as one word each; every other character as one of its own. */
export function wordsOf(text: string): readonly string[] {
  return text.match(words) ?? [];
}

/** A time close to now, as text or as seconds or milliseconds since 1970; not a stored date. */
export function isMoment(word: string): boolean {
  if (wholeMoment.test(word)) {
    const isTime = word.length > 'yyyy-mm-dd'.length;
    return isTime && Math.abs(Date.parse(word) - Date.now()) < 2 * daySeconds * 1_000;
  }
  if (!/^\d{10}(\.\d+)?$|^\d{13}$/.test(word)) return false;
  const seconds = Number(word.length === 13 ? word.slice(0, 10) : word);
  return Math.abs(seconds - Date.now() / 1_000) < 30 * daySeconds;
}
