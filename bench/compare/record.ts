/** Converts plan and logs into the stored form. Pure. */
import { predict } from '../../src/contract/index.ts';
import type { Contest, Participant } from '../lab/plan.ts';
import { added } from '../lab/statistics.ts';
import { eventsOf } from '../lab/verdict.ts';
import { type CellLog, warmUpRounds } from './measure.ts';
import { isMainJob, type Settings } from './options.ts';
import { type Cell, phasesIn, type RunPlan, type StrategyFacts } from './schema.ts';

export function planOf(settings: Settings, contests: readonly Contest[]): RunPlan {
  const { rounds, rivals, processes, repetitions, seed } = settings;
  const { doubleTapShare, aloneKeys, busyKeys, inFlight } = settings;
  return {
    scenarios: contests.map(({ scenario, variants }) => ({
      name: scenario.name,
      variants: [...variants],
    })),
    rounds,
    rivals,
    processes,
    repetitions,
    seed,
    doubleTapShare,
    aloneKeys,
    busyKeys,
    inFlight,
    warmUpRounds: isMainJob(settings) ? warmUpRounds : 0,
  };
}

/** The facts about a strategy that a result contains; functions and SQL stay in its file. */
export function factsOf({ strategy, source, control }: Participant): StrategyFacts {
  const { title, wording, isolation, turns, guard, hazard, adoption } = strategy.declared;
  const { migration, everyWriterMustTakePart, newDependency, poolerSafe, retryNeeded } = adoption;
  return {
    name: strategy.name,
    title,
    source,
    control,
    wording,
    isolation,
    turns: turns.map(({ heldBy, until }) => ({ heldBy, until })),
    guard: [...guard],
    hazard: hazard ? { why: hazard.why, under: [...hazard.under], cure: hazard.cure } : null,
    adoption: {
      migration,
      everyWriterMustTakePart,
      newDependency: newDependency ?? null,
      poolerSafe,
      retryNeeded,
    },
  };
}

/** A cell with its claim: what the strategy promises under the events that occurred. */
export function cellOf(log: CellLog, processes: number): Cell {
  const { scenario, variant, participant } = log.cell;
  const { name, declared } = participant.strategy;
  const traits = scenario.registered.variants[variant];
  if (!traits) throw new Error(`${scenario.name} has no variant '${variant}'`);
  const services = phasesIn(log).map(phase => phase.service);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const events = eventsOf({
    processes,
    effectsWithoutRecord: sum(services.map(service => service.effectsWithoutRecord)),
    leasesLost: sum(services.map(service => service.leasesLost)),
    releases: added(services.map(service => service.releases)),
    failures: added(services.map(service => service.failures)),
  });
  return {
    scenario: scenario.name,
    variant,
    strategy: name,
    events,
    claimed: predict(declared, traits, new Set(events)),
    warmUp: [...log.warmUp],
    repetitions: [...log.repetitions],
    audit: log.audit,
    asked: log.asked,
  };
}
