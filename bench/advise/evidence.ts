/**
 * What is known, as `advise` reads it: each value is a cell of a committed run, or a fact that a strategy
 * declares and the engine acts on. Data only, so that a page can carry it. Pure.
 */
import type { CostTable } from './costs.ts';

/** A committed run: where it is kept, and the command that repeats it. */
export interface Source {
  readonly file: string;
  readonly startedAt: string;
  readonly commit: string;
  readonly command: string;
}

/** A scenario and variant that was measured. */
export interface PlaceFacts {
  /** `scenario/variant`. */
  readonly place: string;
  readonly title: string;
  /** `outside`: repeating what it does harms, and no rollback undoes it. */
  readonly effect: 'inside' | 'outside';
}

/** The facts of a strategy that an answer can rule out, in words. */
export interface Facts {
  /** Why it is wrong on purpose, or `none`. */
  readonly hazard: string;
  readonly migration: string;
  readonly dependency: string;
  /** Behind a pooler in transaction mode. */
  readonly pooler: string;
  readonly retry: string;
  readonly writers: string;
  readonly wording: string;
  /** What it locks or compares. */
  readonly rests: string;
  /** What ends its hold. */
  readonly held: string;
  /** The adapter that runs it. */
  readonly through: string;
}

export type FactName = keyof Facts;

export interface StrategyFacts {
  readonly name: string;
  readonly title: string;
  /** Its file, from the root of the project. */
  readonly file: string;
  /** The strategy that mends a hazard. */
  readonly cure: string | null;
  readonly facts: Facts;
  /** Those that are known to be safe in other processes on the same keys at the same time. */
  readonly beside: readonly string[];
}

/** A cell of the matrix: what contention on one key did to a strategy. */
export interface Verdict {
  readonly place: string;
  readonly strategy: string;
  readonly mark: string;
  readonly because: string;
}

/** A cell of a fault matrix: what a fault did to a strategy. */
export interface Strike {
  readonly fault: string;
  readonly title: string;
  readonly place: string;
  readonly phase: string;
  readonly strategy: string;
  readonly mark: string;
  readonly because: string;
}

export interface Evidence {
  readonly sources: readonly Source[];
  readonly places: readonly PlaceFacts[];
  readonly strategies: readonly StrategyFacts[];
  readonly verdicts: readonly Verdict[];
  readonly strikes: readonly Strike[];
  /** Null where nobody measured what strategies cost. */
  readonly costs: CostTable | null;
}

/** A column of evidence, of which each strategy has at most one cell. */
export type Column =
  | { readonly table: 'matrix'; readonly place: string }
  /** The fault at this place, or where it was struck with the same kind of effect. */
  | { readonly table: 'faults'; readonly fault: string; readonly place: string }
  | { readonly table: 'facts'; readonly fact: FactName };

/** One piece of evidence, with what repeats it. */
export interface Cell {
  readonly id: string;
  readonly strategy: string;
  readonly column: Column;
  readonly value: string;
  readonly because: string;
  /** A command, or the file that declares a fact. */
  readonly replay: string;
}

/** Worst first: a fault that was struck in several phases counts as its worst. */
const marksWorstFirst: readonly string[] = ['✗!', '✗', '~✗', '?', '○', '~', '✓', '–'];

/** The cell of a strategy in a column; undefined where nobody looked. */
export function cellIn(evidence: Evidence, strategy: string, column: Column): Cell | undefined {
  switch (column.table) {
    case 'matrix': {
      const found = ofStrategy(evidence.verdicts, strategy).find(
        ({ place }) => place === column.place,
      );
      return found && { ...found, ...keyed(strategy, column), value: found.mark };
    }
    case 'faults': {
      const found = strikesFor(evidence, strategy, column).toSorted(worstFirst)[0];
      return found && { ...found, ...keyed(strategy, column, found), value: found.mark };
    }
    case 'facts': {
      const found = evidence.strategies.find(({ name }) => name === strategy);
      if (!found) return undefined;
      const value = found.facts[column.fact];
      return { ...keyed(strategy, column), value, because: value, replay: found.file };
    }
  }
}

interface OfStrategy {
  readonly strategy: string;
}

/** Evidence is read again for every answer that is tried. */
const grouped = new WeakMap<readonly OfStrategy[], Map<string, readonly OfStrategy[]>>();

function ofStrategy<T extends OfStrategy>(all: readonly T[], name: string): readonly T[] {
  const groups = (grouped.get(all) as Map<string, readonly T[]> | undefined) ?? new Map();
  grouped.set(all, groups);
  const known = groups.get(name) ?? all.filter(({ strategy }) => strategy === name);
  groups.set(name, known);
  return known;
}

/** Those at the place itself, else those at places with the same kind of effect. */
function strikesFor(
  { strikes, places }: Evidence,
  strategy: string,
  { fault, place }: Extract<Column, { table: 'faults' }>,
): Strike[] {
  const mine = ofStrategy(strikes, strategy).filter(one => one.fault === fault);
  const here = mine.filter(one => one.place === place);
  if (here.length > 0) return here;
  const effectAt = (at: string) => places.find(one => one.place === at)?.effect;
  return mine.filter(one => effectAt(one.place) === effectAt(place));
}

function worstFirst(a: Strike, b: Strike): number {
  const weight = ({ mark }: Strike) => marksWorstFirst.indexOf(mark);
  return weight(a) - weight(b);
}

function keyed(strategy: string, column: Column, struck?: Strike) {
  const replay = commandFor(strategy, column, struck);
  return { id: cellId(strategy, column, struck?.place), strategy, column, replay };
}

/** The name of a cell, for people too. */
export function cellId(strategy: string, column: Column, struckAt?: string): string {
  return `${columnName(column, struckAt)}, ${strategy}`;
}

export function columnName(column: Column, struckAt?: string): string {
  if (column.table === 'matrix') return column.place;
  if (column.table === 'facts') return column.fact;
  return `${column.fault} (${struckAt ?? column.place})`;
}

/** The command that fills or repeats a cell; empty for a fact. */
export function commandFor(strategy: string, column: Column, struck?: Strike): string {
  if (column.table === 'facts') return '';
  const [scenario = '', variant = ''] = (struck?.place ?? column.place).split('/');
  const where = `--scenario ${scenario} --variant ${variant} --strategy ${strategy}`;
  if (column.table === 'matrix') return `npm run compare -- ${where}`;
  const phase = struck ? ` --phase '${struck.phase}'` : '';
  return `npm run faults -- --fault ${column.fault}${phase} ${where}`;
}
