/** Which cells a run has, in which order, and how long each may take. Pure but for the given chance. */
import type {
  RegisteredScenario,
  RegisteredStrategy,
  Registry,
} from '../../src/engine/registry.ts';
import { isStrategyPath, strategyNameOf } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { UsageError } from './command-line.ts';
import { randomOf, shuffled } from './random.ts';
import { isProvokedByLoad } from './verdict.ts';

/** Names every strategy on the command line. */
export const all = 'all';

/** A strategy that takes part, and why. */
export interface Participant {
  readonly strategy: RegisteredStrategy;
  readonly source: 'ours' | 'outside';
  /** Protects nothing: where the audit does not see it fail, it has seen nothing. */
  readonly control: boolean;
}

export interface PlannedCell {
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  readonly participant: Participant;
}

/**
 * Who is compared: the named ones, files from outside, or all; the control takes part always.
 * Throws `UsageError` for a name that does not exist.
 */
export function participantsOf(registry: Registry, asked: readonly string[]): Participant[] {
  const everybody = asked.includes(all);
  const outside = new Set(asked.filter(isStrategyPath).map(strategyNameOf));
  const names = new Set(
    asked
      .filter(name => name !== all)
      .map(name => (isStrategyPath(name) ? strategyNameOf(name) : name)),
  );
  const found = [...names].map(name => strategyNamed(registry, name));
  const unknown = found.flatMap(one => ('unknown' in one ? [`'${one.unknown}'`] : []));
  if (unknown.length > 0)
    throw new UsageError(
      `there is no strategy ${unknown.join(', ')}; ` +
        `there are ${[...registry.strategies.keys()].sort().join(', ')}, ` +
        'files from outside by their path (./my-lock.ts), and two at once (both:one+other)',
    );
  const refused = found.flatMap(one => ('refused' in one ? [one.refused] : []));
  if (refused.length > 0) throw new UsageError(refused.join('; '));
  const asNamed = new Set(found.flatMap(one => ('strategy' in one ? [one.strategy] : [])));
  const control = controlOf(registry);
  const wanted = (strategy: RegisteredStrategy): boolean =>
    asked.length === 0
      ? reasonToLeaveOut(strategy) === undefined
      : everybody || asNamed.has(strategy) || strategy === control;
  const registered = [...registry.strategies.values()].filter(wanted);
  return [...new Set([...registered, ...asNamed])].map(strategy => ({
    strategy,
    source: outside.has(strategy.name) ? 'outside' : 'ours',
    control: strategy === control,
  }));
}

/** A strategy that does not take part, and the reason. */
export interface LeftOut {
  readonly name: string;
  readonly because: string;
}

/** What the main job leaves out beside strategies, and how to get it. */
export function scenariosLeftOut({ scenarios }: Registry, contests: readonly Contest[]): LeftOut[] {
  const because = `other scenarios (--scenario ${all} runs the whole matrix)`;
  const taken = new Set(contests.map(({ scenario }) => scenario.name));
  return [...scenarios.keys()].filter(name => !taken.has(name)).map(name => ({ name, because }));
}

/** Who does not take part where nobody is named; none where somebody is. */
export function leftOutOf(registry: Registry, asked: readonly string[]): LeftOut[] {
  if (asked.length > 0) return [];
  return [...registry.strategies.values()].flatMap(strategy => {
    const because = reasonToLeaveOut(strategy);
    return because === undefined ? [] : [{ name: strategy.name, because }];
  });
}

/** A hazard that nothing here provokes would look safe; and the default run has its 90 seconds. */
function reasonToLeaveOut(strategy: RegisteredStrategy): string | undefined {
  const { hazard, compared } = strategy.declared;
  if (!isProvokedByLoad(hazard))
    return `a hazard that needs an event which load alone does not bring: ${hazard.under.join(' or ')}`;
  return compared === 'on request' ? 'compared on request (by name, or --strategy all)' : undefined;
}

/** The strategy that does nothing at all, found by that. */
export function controlOf({ strategies }: Pick<Registry, 'strategies'>): RegisteredStrategy {
  const control = [...strategies.values()].find(({ declared }) => {
    const { turns, first, guard, wording, isolation, hazard } = declared;
    const nothing = turns.length + first.length + guard.length === 0;
    return nothing && hazard && wording === 'steps' && isolation === 'read committed';
  });
  if (!control)
    throw new UsageError('no strategy does nothing at all, so the audit cannot be seen to see');
  return control;
}

/** The scenario by name. Throws `UsageError`. */
export function scenarioOf({ scenarios }: Registry, name: string): RegisteredScenario {
  const scenario = scenarios.get(name);
  if (scenario) return scenario;
  const known = [...scenarios.keys()].sort().join(', ');
  throw new UsageError(`there is no scenario '${name}'; there are ${known}`);
}

/** A scenario of a run, with those of its variants that take part. */
export interface Contest {
  readonly scenario: RegisteredScenario;
  readonly variants: readonly string[];
}

/**
 * The scenarios by name, or all of them, with the variants that were asked for: `plain` is that of
 * every scenario which has one, `coupon/plain` of one. Throws `UsageError`.
 */
export function contestsOf(
  registry: Registry,
  names: readonly string[],
  variants: readonly string[] = [],
): Contest[] {
  const wanted = names.includes(all) ? [...registry.scenarios.keys()].sort() : new Set(names);
  const chosen = [...wanted].map(name => scenarioOf(registry, name));
  const places = chosen.flatMap(scenario =>
    Object.keys(scenario.registered.variants).map(variant => `${scenario.name}/${variant}`),
  );
  const matches = (place: string, asked: string): boolean =>
    place === asked || place.endsWith(`/${asked}`);
  for (const asked of variants)
    if (!places.some(place => matches(place, asked)))
      throw new UsageError(`there is no variant '${asked}' here; there are ${places.join(', ')}`);
  const takesPart = (place: string): boolean =>
    variants.length === 0 || variants.some(asked => matches(place, asked));
  return chosen
    .map(scenario => ({
      scenario,
      variants: Object.keys(scenario.registered.variants).filter(variant =>
        takesPart(`${scenario.name}/${variant}`),
      ),
    }))
    .filter(contest => contest.variants.length > 0);
}

/** Every variant with every strategy, also where a strategy has no such wording. */
export function cellsOf(
  { scenario, variants }: Contest,
  participants: readonly Participant[],
): PlannedCell[] {
  return variants.flatMap(variant =>
    participants.map(participant => ({ scenario, variant, participant })),
  );
}

/** Whether the scenario has the wording that the strategy runs. */
export function isOffered({ scenario, variant, participant }: PlannedCell): boolean {
  const { wordings = [] } = scenario.registered.variants[variant] ?? {};
  return wordings.includes(participant.strategy.declared.wording);
}

/** The cells of one repetition in an order of its own: what comes first meets a colder machine. */
export function orderOf<T>(cells: readonly T[], seed: number, repetition: number): T[] {
  return shuffled(cells, randomOf(seed, `order ${repetition}`));
}

/** How long the phases of one cell in one repetition may take before no further key is begun. */
export interface PhaseLimits {
  readonly contestedMs: number;
  readonly aloneMs: number;
  readonly busyMs: number;
  /** However little was seen: this ends a phase. */
  readonly patienceMs: number;
}

/** A slow strategy may take so many times its share before it is given up; in a matrix, so long. */
const patience = { times: 8, matrixMs: 12_000 } as const;

/** All cells and repetitions of the main job together. */
const mainJobMs = 38_000;
/** Each cell of a matrix, all repetitions together: hundreds of them are to end within ten minutes. */
const matrixCellMs = 1_500;

/** The time for so many cells of one scenario. */
export function budgetMs(mainJob: boolean, cells: number): number {
  return mainJob ? mainJobMs : matrixCellMs * cells;
}

/** Of the time of a cell; the rest is for seeding, warming up and reading metrics. */
const shares = { contested: 0.45, alone: 0.2, busy: 0.2 } as const;
/** However late it is: without it the last cells would be left with nothing to judge. */
const leastMs = { contested: 250, alone: 100, busy: 100 } as const;

/**
 * Shares what is left of the time over what is left to do. Whoever asks for a number of rounds gets
 * them, within a bound.
 */
export function limitsOf(
  leftMs: number,
  repetitionsLeft: number,
  { mainJob, rounds }: { readonly mainJob: boolean; readonly rounds: number | undefined },
): PhaseLimits {
  if (rounds !== undefined) {
    const contestedMs = Math.max(10_000, rounds * 500);
    const patienceMs = contestedMs * patience.times;
    return { contestedMs, aloneMs: 10_000, busyMs: 10_000, patienceMs };
  }
  const slotMs = Math.max(0, leftMs) / Math.max(1, repetitionsLeft);
  const contestedMs = Math.max(leastMs.contested, slotMs * shares.contested);
  return {
    contestedMs,
    aloneMs: Math.max(leastMs.alone, slotMs * shares.alone),
    busyMs: Math.max(leastMs.busy, slotMs * shares.busy),
    patienceMs: mainJob ? contestedMs * patience.times : patience.matrixMs,
  };
}
