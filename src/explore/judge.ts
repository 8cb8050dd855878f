import { type Doubt, doubtsOf, doubtsOfAny, type Evidence, hiddenText } from './doubts.ts';
import { findings } from './ending.ts';
import { explain } from './explain/explain.ts';
import type { Meeting } from './meeting.ts';
import type { Exploration, ExploreOutcome } from './result.ts';
import type { EventKind } from './search/choice.ts';
import type { SearchEnd } from './search/search.ts';
import { kindsText, type SerialReport } from './serial/judged-orders.ts';
import type { Tally } from './tally.ts';

/** What happened, and what to do about it. */
export interface Verdict {
  readonly outcome: ExploreOutcome;
  readonly why: string;
  readonly advice?: string | undefined;
  /** The error with its stack, if our own code failed. */
  readonly cause?: string | undefined;
}

export interface Judged {
  readonly base: Pick<Exploration, 'actors' | 'bound' | 'assumptions'>;
  readonly end: SearchEnd | undefined;
  readonly events: readonly EventKind[];
  readonly independent: boolean;
  /** Undefined where only waits were looked at. */
  readonly meetings: readonly Meeting[] | undefined;
  /** What the serial orders show; undefined where an audit alone judges. */
  readonly beside: Pick<SerialReport, 'masked' | 'told'> | undefined;
  /** Set if the search did not finish. */
  readonly failed?: Verdict;
}

/** The result, from what was counted and what was seen. */
export function result(tally: Tally, judged: Judged): Exploration {
  const { base, end, meetings } = judged;
  const { seen } = tally;
  const evidence: Evidence = { ...judged, seen, orders: tally.orders };
  const satisfied = end !== undefined && maySatisfy(tally, end) && judged.failed === undefined;
  const unseen = tally.orders === 0 ? [] : doubtsOfAny(seen);
  const doubts = satisfied ? doubtsOf(evidence, meetings ?? []) : unseen;
  const noOccasion = tally.orders === 0 ? [] : unoffered(tally, judged);
  const verdict = judged.failed ?? verdictOf(tally, judged, doubts, noOccasion);
  return {
    ...base,
    outcome: verdict.outcome,
    why: verdict.why,
    advice: verdict.advice,
    cause: verdict.cause,
    doubts,
    told: seen.told.all,
    meetings: (meetings ?? []).map(({ actors, how }) => ({
      actors: actors.map(at => base.actors[at] ?? ''),
      how,
    })),
    hidden: [...seen.hides],
    noOccasion,
    keptKeys: judged.events.length > 0 ? [...seen.kept] : [],
    orders: tally.orders,
    violating: tally.violating,
    waited: tally.waited,
    pruned: end?.pruned ?? 0,
    exhausted: end?.exhausted ?? false,
    cut: end?.cut ?? false,
    covered: end?.covered ?? 0,
    parts: tally.parts.all,
    ends: tally.ends,
    counterexample: tally.counterexample ?? metAgainstWord(verdict, meetings),
    explained: tally.counterexample && explain(tally.counterexample.record, base.actors),
    sampled: tally.sampled,
    serial: judged.beside && tally.judged.report(judged.beside),
  };
}

/** Whether `safe` is still possible: only then is it worth finding out how the callers met. */
export function maySatisfy(tally: Tally, end: SearchEnd): boolean {
  return tally.counterexample === undefined && tally.broken === undefined && !end.stopped;
}

function unoffered({ seen }: Tally, { events }: Judged): readonly EventKind[] {
  return events.filter(kind => !seen.occasions.has(kind));
}

function verdictOf(
  tally: Tally,
  judged: Judged,
  doubts: readonly Doubt[],
  noOccasion: readonly EventKind[],
): Verdict {
  const { broken, counterexample, orders, violating } = tally;
  const { end, independent, meetings = [] } = judged;
  const beside = besides(tally, end, noOccasion, meetings);
  if (broken?.outcome === 'setup-failed') return broken;
  if (counterexample !== undefined) {
    const found = findings(counterexample.record).join('; ');
    const count = `${violating} of ${orders} orders ${wrongly(tally, judged)}${chance(tally)}`;
    return { outcome: 'unsafe', why: `${count}; ${counterexample.schedule}: ${found}` };
  }
  if (broken !== undefined) {
    const why = [broken.why, ...doubts.map(one => one.why)].join('; ');
    return { ...broken, why };
  }
  if (end === undefined || end.stopped) {
    const { hides } = tally.seen;
    const hidden =
      hides.size > 0 ? `; one message held several steps: ${hiddenText([...hides])}` : '';
    return {
      outcome: 'budget-stopped',
      why: `${orders} orders ${judged.beside === undefined ? 'satisfy it' : 'equal a serial order'}, then the budget was used up${chance(tally)}${hidden}${beside}`,
      advice:
        'give it more time (`--seconds`) or more orders (`--executions`), or a smaller bound (`--preemptions 1`)',
    };
  }
  const all = `${counted(tally, end)} ${rightly(tally, judged)}`;
  if (independent && meetings.length > 0) {
    const how = meetings.map(one => one.how).join('; ');
    return {
      outcome: 'unsafe',
      why: `${all}, but the callers were expected not to meet, and they did: ${how}${beside}`,
      advice: "find out why they share that, or leave `expect: 'independent'` out",
    };
  }
  if (doubts.length > 0) {
    return {
      outcome: 'inconclusive',
      why: `${all}, but ${doubts.map(one => one.why).join('; ')}${beside}`,
      advice: [...new Set(doubts.map(one => one.change))].join('; '),
    };
  }
  if (independent)
    return { outcome: 'independent', why: `${all}, and the callers never met${beside}` };
  return { outcome: 'safe', why: `${all}${beside}` };
}

function rightly({ orders, judged: kinds }: Tally, { beside }: Judged): string {
  if (beside === undefined) return orders === 1 ? 'satisfies the audit' : 'satisfy the audit';
  const retry = kinds.report(beside).orders['only an error that asks for a retry'];
  const but = retry === 0 ? '' : ` (${retry} but for an error that asks for a retry)`;
  return `${orders === 1 ? 'equals' : 'equal'} a serial order${but}`;
}

function wrongly({ judged: kinds }: Tally, { beside }: Judged): string {
  if (beside === undefined) return 'violate';
  const kinded = kindsText(kinds.report(beside));
  return `differ from every serial order${kinded === '' ? '' : ` (${kinded})`}`;
}

/** Never "all orders" where one message hid some of them. */
function counted({ seen, orders }: Tally, end: SearchEnd): string {
  const within = end.cut ? ' within this bound' : '';
  const noun = orders === 1 ? 'order' : 'orders';
  if (seen.hides.size === 0 && orders !== 1)
    return `all ${orders} orders of this scenario${within}`;
  return `${orders} ${noun} of this scenario${within}`;
}

/** Remarks that go with every verdict that found nothing. */
function besides(
  { seen }: Tally,
  end: SearchEnd | undefined,
  noOccasion: readonly EventKind[],
  meetings: readonly Meeting[],
): string {
  const parts: string[] = [];
  // the server decides who of several waiters goes first: said with the assumptions, counted here
  const left = end?.unrepeated ?? 0;
  if (left > 0) parts.push(`${left} after a choice of the server's that it did not repeat`);
  if (noOccasion.length > 0) parts.push(`there was no occasion for ${noOccasion.join(', ')}`);
  const met = new Set(meetings.flatMap(one => one.actors));
  const alone = seen.actors.filter((_, at) => !met.has(at) && (seen.requests[at] ?? 0) > 0);
  if (met.size > 0 && alone.length > 0) parts.push(`${alone.join(' and ')} met nobody`);
  return parts.map(part => `; ${part}`).join('');
}

function chance({ sampled }: Tally): string {
  if (sampled === undefined) return '';
  const { different, violating, seed } = sampled;
  return `; ${violating} of ${different} random ones beyond it violate (seed ${seed})`;
}

/** The order in which callers met that were expected not to. */
function metAgainstWord(verdict: Verdict, meetings: readonly Meeting[] | undefined) {
  if (verdict.outcome !== 'unsafe') return undefined;
  return meetings?.find(one => one.order !== undefined)?.order;
}
