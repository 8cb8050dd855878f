import { assumptionsOf } from './assumptions.ts';
import { searchBeginsApart } from './begin-apart.ts';
import { checkConfig } from './config-check.ts';
import { searchFailed, setupFailed } from './failed.ts';
import { maySatisfy, result } from './judge.ts';
import { meetingsOf, waitsOf } from './meet.ts';
import type { Exploration } from './result.ts';
import { type ExecutionRecord, Stage, type Subject } from './run/stage.ts';
import type { Bound } from './search/cost.ts';
import { OutOfTime } from './search/point.ts';
import { RandomSchedules } from './search/random.ts';
import { Search, type SearchEnd, type SearchPlan } from './search/search.ts';
import { boundOf, type ExploreOptions, reduces, settingsOf, symmetryOf } from './settings.ts';
import { Tally } from './tally.ts';
import { visitAll } from './visit-all.ts';

export { ConfigError } from './config-check.ts';
export type { Counterexample } from './counterexample.ts';
export { type Race, race } from './race.ts';
export { replay } from './replay.ts';
export type { Exploration, ExploreOutcome } from './result.ts';
export type { ActorEnd, ActorFunction, ActorUrls } from './run/actor.ts';
export type { Actor, ExecutionRecord, ServerUrls, Subject } from './run/stage.ts';
export type { ExploreOptions } from './settings.ts';
export { assertIndependent, assertSafe } from './verdict.ts';

/**
 * Runs the actors under every order of their steps within the bound, on the real servers, and
 * audits what each order left behind. Faults of the subject are not thrown: see the outcome and `why`.
 * Throws ConfigError for a mistake in the config. Nothing is left running or open when it resolves.
 */
export async function explore(subject: Subject, options: ExploreOptions): Promise<Exploration> {
  checkConfig(subject, options);
  const tally = new Tally(subject);
  const bound = boundOf(options);
  const actors = Object.keys(subject.actors);
  const assumptions = assumptionsOf(subject, options);
  const judged = {
    base: { actors, bound, assumptions },
    end: undefined,
    events: options.events ?? [],
    independent: subject.expect === 'independent',
    meetings: undefined,
  };
  const limits = limitsOf(options);
  let stage: Stage;
  const interrupted = (): boolean => options.signal?.aborted ?? false;
  try {
    stage = await Stage.open(subject, options.servers, settingsOf(options), limits.endMs);
    assumptions.push(...stage.limits);
  } catch (error) {
    if (interrupted()) return cutShort(result(tally, judged));
    return result(tally, { ...judged, failed: setupFailed(error) });
  }
  try {
    const end = await search(stage, subject, options, { bound, untilMs: limits.searchMs }, tally);
    const beyond = { bound, untilMs: limits.endMs };
    if (end.stopped && !tally.stopped && !interrupted())
      await drawBeyond(stage, options, beyond, tally);
    const look = maySatisfy(tally, end) && !interrupted();
    const meetings = look ? await meetingsOf(stage.alone, tally.seen) : waitsOf(tally.seen);
    const found = result(tally, { ...judged, end, meetings });
    return interrupted() ? cutShort(found) : found;
  } catch (error) {
    if (interrupted()) return cutShort(result(tally, judged));
    return result(tally, { ...judged, failed: searchFailed(error) });
  } finally {
    await stage.close();
  }
}

/** How far a search goes, and until when, in the time of `performance.now`. */
interface Reach {
  readonly bound: Bound;
  readonly untilMs: number;
}

/** The requested time covers everything; random schedules get half of it. */
function limitsOf(options: ExploreOptions): { readonly searchMs: number; readonly endMs: number } {
  const ms = (options.secondsMax ?? 3600) * 1000;
  const nowMs = performance.now();
  const draws = (options.random?.schedules ?? 0) > 0;
  return { searchMs: nowMs + (draws ? ms / 2 : ms), endMs: nowMs + ms };
}

/** Orders without unforced switches are visited even where an equivalent one was. */
const simplePreemptions = 0;
/** The shortest counterexample is searched for among orders with at most this many. */
const shortPreemptions = 1;

async function search(
  stage: Stage,
  subject: Subject,
  options: ExploreOptions,
  { bound, untilMs }: Reach,
  tally: Tally,
): Promise<SearchEnd> {
  const plan: SearchPlan = {
    bound,
    simple: { ...bound, preemptions: simplePreemptions, preemptionsWithEvent: 0 },
    executionsMax: options.executionsMax ?? 100_000,
    outOfTime: () => performance.now() > untilMs || (options.signal?.aborted ?? false),
    reduce: reduces(subject, options),
    symmetry: symmetryOf(subject, options),
  };
  const end = await visitAll(
    plan,
    search => visit(stage, search, options, tally, untilMs),
    () => ({ clockWasRead: stage.clockWasRead, sharesState: tally.sharesState }),
    () => tally.startOver(),
  );
  if (plan.reduce) await shorten(stage, plan, tally, untilMs);
  const apart = (options.fuseBegin ?? true) && stage.readsClockInside;
  if (!apart || !maySatisfy(tally, end)) return end;
  return searchBeginsApart(
    plan,
    end,
    (scheduler, course) => inTime(stage.execute(scheduler, { ...course, untilMs })),
    (order, record) => {
      tally.count(order, record, options.firstOnly ?? false);
      return tally.stopped ? 'stop' : 'go on';
    },
  );
}

/** Of equivalent orders only one was run, not necessarily the shortest: looks for a shorter one. */
async function shorten(
  stage: Stage,
  plan: SearchPlan,
  tally: Tally,
  untilMs: number,
): Promise<void> {
  const { counterexample, broken } = tally;
  if (counterexample === undefined || broken !== undefined) return;
  const { events, preemptions } = counterexample.cost;
  if (events > 0 || preemptions <= shortPreemptions) return;
  const bound = { events: 0, preemptions: shortPreemptions, preemptionsWithEvent: undefined };
  let record: ExecutionRecord | undefined;
  await new Search({ ...plan, bound, reduce: false, simple: undefined }).run(
    async scheduler => {
      record = await inTime(stage.execute(scheduler, { untilMs }));
    },
    order => (record !== undefined && tally.shorter(order, record) ? 'stop' : 'go on'),
  );
}

async function visit(
  stage: Stage,
  search: Search,
  options: ExploreOptions,
  tally: Tally,
  untilMs: number,
): Promise<SearchEnd> {
  let record: ExecutionRecord | undefined;
  try {
    return await search.run(
      async scheduler => {
        record = await inTime(stage.execute(scheduler, { untilMs }));
      },
      schedule => {
        if (record !== undefined) tally.count(schedule, record, options.firstOnly ?? false);
        options.progress?.({ executions: tally.orders, violating: tally.violating });
        return tally.stopped ? 'stop' : 'go on';
      },
    );
  } catch (error) {
    // The interrupted order proves nothing; those before it count.
    if (options.signal?.aborted) return search.sofar;
    throw error;
  }
}

/** The result so far of an interrupted exploration. */
function cutShort(found: Exploration): Exploration {
  const { outcome, orders } = found;
  if (outcome !== 'budget-stopped') return { ...found, interrupted: true };
  const why = `${orders} orders satisfy it, then it was interrupted`;
  return { ...found, interrupted: true, why };
}

async function inTime(execution: Promise<ExecutionRecord>): Promise<ExecutionRecord> {
  const record = await execution;
  if (record.end.kind === 'late') throw new OutOfTime();
  return record;
}

/** Samples at random what the budget left unvisited. */
async function drawBeyond(
  stage: Stage,
  options: ExploreOptions,
  { bound, untilMs }: Reach,
  tally: Tally,
): Promise<void> {
  const { schedules, seed } = options.random ?? { schedules: 0, seed: 0 };
  const random = new RandomSchedules(seed, bound.events);
  for (let drawn = 0; drawn < schedules && performance.now() < untilMs; drawn++) {
    if (options.signal?.aborted) return;
    let record: ExecutionRecord | undefined;
    const visit = await random
      .draw(async scheduler => {
        record = await inTime(stage.execute(scheduler, { untilMs }));
      })
      .catch((error: unknown) => {
        if (!(error instanceof OutOfTime)) throw error;
      });
    if (visit !== undefined && record !== undefined) tally.sample(visit, record, seed);
  }
}
