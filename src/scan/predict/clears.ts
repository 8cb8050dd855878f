import type { Replayed } from '../replay/replayer.ts';
import type { Catalogue, TableFacts } from './catalogue.ts';
import { type Footprint, footprintOf, type Touch, type Unclear } from './footprint.ts';
import { changedBy } from './session.ts';
import { uuidOf } from './tree.ts';

/** Whether two callers can come to something that no serial order gives. */
export type Prediction =
  /** They cannot; the text says why. Said of two callers, and not of three. */
  { readonly cleared: string } | { readonly candidate: string };

/**
 * Predicts from two serial runs of the same two requests, each order from the same state. What is not
 * understood is a candidate. The argument is by induction over steps: each request, alone, does what it
 * does here as long as nothing that it looks at is changed by the other.
 */
export async function predicted(
  oneWay: readonly Replayed[],
  otherWay: readonly Replayed[],
  catalogue: Catalogue,
): Promise<Prediction> {
  if (!catalogue.readCommitted)
    return { candidate: 'transactions are not READ COMMITTED by default' };
  // each as the first of its order, and as the second: what it does may depend on the other
  const mine = await printsOf([oneWay[0], otherWay[1]], catalogue);
  if (isUnclear(mine)) return { candidate: `not understood: ${mine.unclear}` };
  const its = await printsOf([otherWay[0], oneWay[1]], catalogue);
  if (isUnclear(its)) return { candidate: `not understood: ${its.unclear}` };
  const [one, other] = [joined(mine), joined(its)];
  if (!writes(one) && !writes(other)) return { cleared: 'both only read' };
  const shared = sharedKey(one, other);
  if (shared !== undefined) return { candidate: `both use the Redis key ${shared}` };
  const met = conflicts(one, other);
  const [first] = met;
  if (first === undefined) return { cleared: 'neither is at rows that the other writes' };
  const lock = catalogue.waitsWithoutLimit ? sameLock([...mine, ...its], met) : undefined;
  if (lock !== undefined) return { cleared: lock };
  return { candidate: `both are at ${first.name}` };
}

async function printsOf(
  runs: readonly (Replayed | undefined)[],
  catalogue: Catalogue,
): Promise<readonly Footprint[] | Unclear> {
  const prints: Footprint[] = [];
  for (const run of runs) {
    if (run === undefined) return { unclear: 'a serial run is missing' };
    const unclear = await changedBy(run.session);
    if (unclear !== undefined) return unclear;
    const print = await footprintOf(run.statements, catalogue);
    if ('unclear' in print) return print;
    prints.push(print);
  }
  return prints;
}

function joined(prints: readonly Footprint[]): Footprint {
  return {
    touches: prints.flatMap(({ touches }) => touches),
    keys: prints.flatMap(({ keys }) => keys),
    partial: prints.some(({ partial }) => partial),
  };
}

function isUnclear(prints: readonly Footprint[] | Unclear): prints is Unclear {
  return 'unclear' in prints;
}

function writes({ touches, keys }: Footprint): boolean {
  return touches.some(({ does }) => does !== 'reads') || keys.some(one => one.writes);
}

function sharedKey(one: Footprint, other: Footprint): string | undefined {
  const found = one.keys.find(mine =>
    other.keys.some(its => its.key === mine.key && (its.writes || mine.writes)),
  );
  return found?.key;
}

/** Tables at which one writes or locks rows that the other may be at, too. */
function conflicts(one: Footprint, other: Footprint): TableFacts[] {
  const found = new Map<string, TableFacts>();
  for (const mine of one.touches) {
    for (const its of other.touches) {
      if (mine.table.name !== its.table.name) continue;
      if (mine.does === 'reads' && its.does === 'reads') continue;
      if (!apart(mine, its)) found.set(mine.table.name, mine.table);
    }
  }
  return [...found.values()];
}

/** No row belongs to both, before or after; and no unique index can bring them together. */
function apart(mine: Touch, its: Touch): boolean {
  const columns = [...mine.rows.keys()].filter(column => {
    const type = mine.table.types.get(column);
    return its.rows.has(column) && differ(mine.rows.get(column), its.rows.get(column), type);
  });
  if (columns.length === 0) return false;
  const enters = (touch: Touch): boolean => touch.does === 'inserts' || touch.does === 'updates';
  if (!enters(mine) || !enters(its)) return true;
  return mine.table.unique.every(index => {
    if (index === null) return false;
    if (index.some(column => columns.includes(column))) return true;
    const given = (touch: Touch): boolean =>
      touch.sets.has('*') || index.some(column => touch.sets.has(column));
    // what the server numbers by itself is different for everybody
    return !given(mine) && !given(its);
  });
}

const whole = new Set(['int2', 'int4', 'int8']);
const texts = new Set(['text', 'varchar', 'uuid']);

/** Two values that are not equal for certain, in the type of their column. */
function differ(
  one: string | null | undefined,
  other: string | null | undefined,
  type: string | undefined,
): boolean {
  if (one === undefined || other === undefined || type === undefined) return false;
  if (one === null || other === null) return one !== other;
  if (whole.has(type)) {
    const isWhole = (text: string): boolean => /^-?\d{1,15}$/.test(text);
    return isWhole(one) && isWhole(other) && Number(one) !== Number(other);
  }
  if (!texts.has(type)) return false;
  if (type !== 'uuid') return one.trimEnd() !== other.trimEnd(); // varchar(n) drops spaces
  const [mine, its] = [uuidOf(one), uuidOf(other)];
  return mine !== undefined && its !== undefined && mine !== its;
}

/**
 * Both begin, for all that they have in common, by locking one and the same row, and do the rest in that
 * transaction: whoever comes second looks only when the first has committed.
 */
function sameLock(prints: readonly Footprint[], met: readonly TableFacts[]): string | undefined {
  const names = new Set(met.map(({ name }) => name));
  const locks = prints.map(print => lockBefore(print, names));
  const [first] = locks;
  if (first === undefined || locks.some(one => one?.key !== first.key)) return undefined;
  return `both hold ${first.strength} on ${first.key} before they look`;
}

interface RowLock {
  readonly strength: string;
  /** `public.slot (id = 1)`. */
  readonly key: string;
}

/** The lock under which a request does everything that it does to these tables. */
function lockBefore(
  { touches, partial }: Footprint,
  tables: ReadonlySet<string>,
): RowLock | undefined {
  if (partial) return undefined; // a savepoint may give it back
  const own = touches.filter(({ table }) => tables.has(table.name));
  const [first] = own;
  if (first?.lock === undefined || first.transaction === null || first.count !== 1)
    return undefined;
  const index = first.table.unique.find(
    columns => columns?.length !== 0 && columns?.every(column => first.rows.has(column)),
  );
  if (index === undefined || index === null) return undefined;
  const within = own.every(
    one => one.transaction === first.transaction && (one === first || one.at > first.at),
  );
  if (!within) return undefined;
  const key = index.map(column => `${column} = ${String(first.rows.get(column))}`).join(', ');
  return { strength: first.lock, key: `${first.table.name} (${key})` };
}
