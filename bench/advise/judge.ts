/** Judges every strategy by the cells that the answers need. Pure. */
import { mayRank, type Price, priceOf } from './costs.ts';
import { type Cell, type Column, cellIn, type Evidence, type StrategyFacts } from './evidence.ts';
import { meets, type Need, needsOf, placesOf } from './needs.ts';
import type { Answers, QuestionName } from './questions.ts';

/** A cell that speaks against a strategy. */
export interface Against {
  readonly cell: Cell;
  readonly question: QuestionName;
  readonly otherwise: string;
}

/** A cell that nobody has filled, or that was filled with a doubt. */
export interface Missing {
  readonly column: Column;
  readonly question: QuestionName;
  readonly cell: Cell | undefined;
}

export interface Judged {
  readonly strategy: StrategyFacts;
  /** `excluded`: a cell speaks against it. `not known`: none does, and one is missing or in doubt. */
  readonly status: 'admissible' | 'excluded' | 'not known';
  readonly against: readonly Against[];
  readonly missing: readonly Missing[];
  /** The cells that the answers need and that are as needed. */
  readonly support: readonly Cell[];
  readonly price: Price | undefined;
}

/** An admissible strategy with its place by cost. */
export interface Ranked extends Judged {
  /** Undefined where nobody measured what it costs there. */
  readonly rank: number | undefined;
  /** The measured intervals overlap with those of others of this rank. */
  readonly shared: boolean;
}

export interface Judgement {
  readonly answers: Answers;
  /** The operation that is priced. */
  readonly place: string;
  readonly admissible: readonly Ranked[];
  readonly excluded: readonly Judged[];
  readonly unknown: readonly Judged[];
}

/** Judges every strategy by the cells that the answers need. */
export function judge(evidence: Evidence, answers: Answers): Judgement {
  const needs = needsOf(answers);
  const place = placesOf(answers)[0]?.place ?? '';
  const all = evidence.strategies.map(strategy =>
    judged(evidence, { strategy, needs, place, answers }),
  );
  const having = (status: Judged['status']) => all.filter(one => one.status === status);
  return {
    answers,
    place,
    admissible: ranked(having('admissible'), evidence.costs !== null && mayRank(evidence.costs)),
    excluded: having('excluded'),
    unknown: having('not known'),
  };
}

interface Question {
  readonly strategy: StrategyFacts;
  readonly needs: readonly Need[];
  readonly place: string;
  readonly answers: Answers;
}

function judged(evidence: Evidence, { strategy, needs, place, answers }: Question): Judged {
  const { name } = strategy;
  const [against, missing, support]: [Against[], Missing[], Cell[]] = [[], [], []];
  for (const need of needs) {
    const { column, question, otherwise } = need;
    const cell = cellIn(evidence, name, column);
    const how = meets(need, cell);
    if (how === 'open') missing.push({ column, question, cell });
    else if (cell && how === 'refused') against.push({ cell, question, otherwise });
    else if (cell) support.push(cell);
  }
  const open = missing.length > 0 ? 'not known' : 'admissible';
  return {
    strategy,
    status: against.length > 0 ? 'excluded' : open,
    against,
    missing,
    support,
    price: priceOf(evidence.costs, { place, strategy: name }, answers),
  };
}

/** Cheapest first; of those that share a rank, who asks for less comes first. */
function ranked(all: readonly Judged[], byCost: boolean): Ranked[] {
  if (!byCost) return all.toSorted(byBurden).map(unranked);
  const priced = all.flatMap(one => (one.price ? [{ one, price: one.price }] : []));
  const order = priced.toSorted((a, b) => weightOf(a.price) - weightOf(b.price));
  const groups: (typeof order)[] = [];
  for (const next of order) {
    const group = groups.at(-1);
    const first = group?.[0];
    const alike = first && overlaps(first.price, next.price);
    if (group && alike) group.push(next);
    else groups.push([next]);
  }
  const placed = groups.flatMap((group, index) =>
    group
      .toSorted(
        (a, b) => burdenOf(a.one) - burdenOf(b.one) || weightOf(a.price) - weightOf(b.price),
      )
      .map(({ one }) => ({ ...one, rank: index + 1, shared: group.length > 1 })),
  );
  const others = all.filter(one => !one.price).toSorted(byBurden);
  return [...placed, ...others.map(unranked)];
}

const unranked = (one: Judged): Ranked => ({ ...one, rank: undefined, shared: false });

const byBurden = (a: Judged, b: Judged): number =>
  Number(a.price?.tooSlow ?? false) - Number(b.price?.tooSlow ?? false) ||
  burdenOf(a) - burdenOf(b);

/** Whoever is too slow for the busiest key comes after all others. */
const weightOf = ({ expected, tooSlow }: Price): number => expected.middle + (tooSlow ? 1e9 : 0);

function overlaps(first: Price, next: Price): boolean {
  return first.tooSlow === next.tooSlow && next.expected.low <= first.expected.high;
}

/** What it asks of those who adopt it, in order of weight. */
export function burdenOf({ strategy: { facts } }: Pick<Judged, 'strategy'>): number {
  const migrations = ['none', 'column', 'rows beforehand', 'constraint over existing rows'];
  const dependencies = ['none', 'redis', 'several redis nodes'];
  return (
    dependencies.indexOf(facts.dependency) * 8 +
    Math.max(0, migrations.indexOf(facts.migration)) * 2 +
    (facts.retry === 'needed' ? 1 : 0) +
    (facts.held === 'the session' ? 1 : 0)
  );
}
