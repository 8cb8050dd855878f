import type { ActorEnd } from '../run/actor.ts';
import type { Left } from '../run/left.ts';
import type { KeyLeft } from '../run/redis-left.ts';
import { httpAnswer } from '../told.ts';

/** One value of a fact. Its column is the same in every run: `id`, `items[].seat`. */
export interface Cell {
  readonly column: string;
  readonly value: string | null;
}

/** A row, what a key holds, or what a caller was told: what the outcome of an order consists of. */
export interface Fact {
  /** `public.booking`, `redis hash user:?`, `what ann was told`. */
  readonly place: string;
  readonly sort: 'row' | 'key' | 'answer';
  /** Something that was there at the start and is gone, or has changed. */
  readonly gone: boolean;
  readonly cells: readonly Cell[];
}

/** What one order left, and what the callers were told; one fact for each caller, in their order. */
export interface Outcome {
  readonly effects: readonly Fact[];
  readonly answers: readonly Fact[];
}

/** What the order left, as facts that can be compared. */
export function effectsOf(left: Left, start: readonly KeyLeft[]): readonly Fact[] {
  const rows = left.tables.flatMap(({ table, columns, added, removed }) => {
    const fact = (gone: boolean) => (row: readonly (string | null)[]) => ({
      place: table,
      sort: 'row' as const,
      gone,
      cells: columns.map((column, at) => ({ column, value: row[at] ?? null })),
    });
    return [...added.map(fact(false)), ...removed.map(fact(true))];
  });
  const before = new Set(start.map(keyText));
  const now = new Set(left.keys.map(keyText));
  const appeared = left.keys.filter(key => !before.has(keyText(key)));
  const vanished = start.filter(key => !now.has(keyText(key)));
  return [
    ...rows,
    ...appeared.flatMap(key => keyFacts(key, false)),
    ...vanished.flatMap(key => keyFacts(key, true)),
  ];
}

function keyText(key: KeyLeft): string {
  return JSON.stringify(key);
}

/** The length of one entry in what Redis tells of a type. */
const entryLengths: Readonly<Record<string, number>> = { hash: 2, zset: 2, stream: 2 };

function keyFacts(one: KeyLeft, gone: boolean): Fact[] {
  const { store, database, type, expires } = one;
  const key = readable(one.key);
  const server = database === '0' ? store : `database ${database} of ${store}`;
  const length = entryLengths[type] ?? 1;
  const place = `${server}: ${type} ${withoutDigits(key)}`;
  const facts: Fact[] = [];
  // a stream may be there and hold nothing
  for (let at = 0; at < Math.max(1, one.values.length); at += length) {
    const [first = '', second] = one.values.slice(at, at + length).map(readable);
    const named = type === 'hash' || type === 'zset';
    const cells = [
      { column: 'key', value: key },
      { column: 'expires', value: String(expires) },
      ...(type === 'list' ? [{ column: 'position', value: String(at) }] : []),
      { column: named ? 'field' : 'value', value: first },
      ...(second === undefined
        ? []
        : [{ column: named ? `value of ${withoutDigits(first)}` : 'fields', value: second }]),
    ];
    facts.push({ place, sort: 'key', gone, cells });
  }
  return facts;
}

function readable(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8').includes('\ufffd')
    ? text
    : Buffer.from(text, 'latin1').toString('utf8');
}

function withoutDigits(text: string): string {
  return text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|\d+/gi, '?');
}

/** What one caller was told: the leaves of a JSON body, or the text. */
export function answerOf(name: string, end: ActorEnd | undefined): Fact {
  return { place: `what ${name} was told`, sort: 'answer', gone: false, cells: toldCells(end) };
}

function toldCells(end: ActorEnd | undefined): readonly Cell[] {
  if (end === undefined) return [{ column: 'end', value: 'nothing' }];
  if (end.kind === 'crashed') return [{ column: 'end', value: 'crashed' }];
  if (end.kind === 'threw') return [{ column: 'threw', value: end.message }];
  const http = httpAnswer(end);
  if (http === undefined) return leaves(plain(end.value), 'returned');
  const body = http.text.slice(String(http.status).length).trim();
  return [{ column: 'status', value: String(http.status) }, ...leaves(parsed(body), 'body')];
}

/** As JSON would carry it: dates become text, undefined goes. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'bigint' ? String(one) : one,
  );
  return text === undefined ? undefined : parsed(text);
}

function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch {
    return body;
  }
}

const leavesMax = 20_000;

/** Longer answers are not compared to their end: then the order is not judged. */
export function isCut({ cells }: Fact): boolean {
  return cells.length >= leavesMax;
}

/** Every leaf with its path, in a fixed order; positions in lists do not count as part of a column. */
function leaves(value: unknown, path: string, found: Cell[] = []): Cell[] {
  if (found.length >= leavesMax) return found;
  if (Array.isArray(value)) {
    found.push({ column: `${path}[] count`, value: String(value.length) });
    for (const one of value) leaves(one, `${path}[]`, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      leaves(one, path === 'body' || path === 'returned' ? key : `${path}.${key}`, found);
  } else {
    const text = value === undefined || value === null ? null : String(value);
    found.push({ column: path, value: typeof value === 'string' ? value : text });
  }
  return found;
}
