/** Which cells a run has, in which order, and how long each may take. Pure but for the given chance. */
import type { RegisteredScenario, RegisteredStrategy, Registry } from '../src/engine/registry.ts';
import { isStrategyPath, strategyNameOf } from '../src/engine/registry.ts';
import { randomOf, shuffled } from './random.ts';

/** The command line asks for something that does not exist; the message says what does. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A strategy that takes part, and why. */
export interface Participant {
  readonly strategy: RegisteredStrategy;
  readonly source: 'ours' | 'outside';
  /** Protects nothing: where the audit does not see it fail, it has seen nothing. */
  readonly control: boolean;
}

export interface PlannedCell {
  readonly variant: string;
  readonly participant: Participant;
}

/**
 * Who is compared: the named ones, files from outside, or all; the control takes part always.
 * Throws `UsageError` for a name that does not exist.
 */
export function participantsOf(registry: Registry, asked: readonly string[]): Participant[] {
  const outside = new Set(asked.filter(isStrategyPath).map(strategyNameOf));
  const names = new Set(asked.map(name => (isStrategyPath(name) ? strategyNameOf(name) : name)));
  const unknown = [...names].filter(name => !registry.strategies.has(name));
  if (unknown.length > 0)
    throw new UsageError(
      `there is no strategy ${unknown.map(name => `'${name}'`).join(', ')}; ` +
        `there are ${[...registry.strategies.keys()].sort().join(', ')}, ` +
        'and files from outside by their path (./my-lock.ts)',
    );
  const control = controlOf(registry);
  return [...registry.strategies.values()]
    .filter(strategy => names.size === 0 || names.has(strategy.name) || strategy === control)
    .map(strategy => ({
      strategy,
      source: outside.has(strategy.name) ? 'outside' : 'ours',
      control: strategy === control,
    }));
}

/** The strategy that does nothing at all, found by that. */
function controlOf({ strategies }: Registry): RegisteredStrategy {
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
export function scenarioOf(registry: Registry, name: string): RegisteredScenario {
  const scenario = registry.scenarios.get(name);
  if (scenario) return scenario;
  const names = [...registry.scenarios.keys()].sort().join(', ');
  throw new UsageError(`there is no scenario '${name}'; there are ${names}`);
}

/** Every variant with every strategy, also where a strategy has no such wording. */
export function cellsOf(
  scenario: RegisteredScenario,
  participants: readonly Participant[],
): PlannedCell[] {
  return Object.keys(scenario.registered.variants).flatMap(variant =>
    participants.map(participant => ({ variant, participant })),
  );
}

/** Whether the scenario has the wording that the strategy runs. */
export function isOffered(scenario: RegisteredScenario, { variant, participant }: PlannedCell) {
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
  readonly uncontendedMs: number;
}

/** All phases of a run with default rounds together. */
const measureBudgetMs = 50_000;

/** Shares the time over the cells; whoever asks for a number of rounds gets them, within a bound. */
export function limitsOf(
  cells: number,
  repetitions: number,
  rounds: number | undefined,
): PhaseLimits {
  const slotMs = measureBudgetMs / Math.max(1, cells * repetitions);
  return rounds === undefined
    ? { contestedMs: slotMs * 0.6, uncontendedMs: slotMs * 0.3 }
    : { contestedMs: Math.max(10_000, rounds * 500), uncontendedMs: 10_000 };
}
