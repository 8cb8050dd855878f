/** Runs `explore --scenario … --strategy …`, from the command line to the exit code. */
import { resolve } from 'node:path';
import { loadRegistry, type Registry, strategyNameOf } from '../../src/engine/registry.ts';
import { openServices } from '../../src/services/index.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import { forecast, type TimePlan } from '../lab/forecast.ts';
import { controlOf, scenarioOf } from '../lab/plan.ts';
import { counted } from '../page/format.ts';
import { besideControl, controlSpecs } from './control.ts';
import { exploreAll } from './crew.ts';
import { brokenClaims, isProven, notShown, rowNameOf } from './explored.ts';
import {
  asksForStrategies,
  type ExploreOptions,
  readExploreOptions,
  strategyFiles,
} from './options.ts';
import { roundNames } from './rounds.ts';
import { type CellSpec, notOffered, planOf } from './spec.ts';
import { exploredText, pairsText } from './text.ts';
import { type ExploredCell, unexplored } from './verdict.ts';

export { asksForStrategies };

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  /** Receives progress lines. */
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Explores and prints. Throws `UsageError`, `HelpAsked`, `RegistryError`, or why servers failed to start. */
export async function exploreStrategies(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { environment, write, note, signal } = surroundings;
  const options = readExploreOptions(argv);
  const files = strategyFiles(options).map(file => resolve(file));
  const registry = await loadRegistry(files);
  const specs = specsOf(registry, options);
  const runnable = specs.filter(spec => notOffered(planOf(registry, spec)) === undefined);
  const control = controlOf(registry).name;
  // controls first: no safe verdict counts without them
  const controls = controlSpecs(runnable, control);
  note(options.command);
  const { DATABASE_URL, REDIS_URL, REDIS_NODES } = environment;
  const time = timeOf(runnable.length, controls.length, options);
  for (const line of await forecast(time, { startsPostgres: !DATABASE_URL })) note(line);
  const services = await openServices({
    ...(DATABASE_URL && { databaseUrl: DATABASE_URL }),
    ...(REDIS_URL && { redisUrl: REDIS_URL }),
    redisNodeCount: 0,
    durable: false,
    report: note,
    signal,
  });
  try {
    const found = await exploreAll([...controls, ...runnable], {
      databaseUrl: services.postgres.url,
      // only one worker may use a given server: scripts are flushed before every order
      redisUrl: REDIS_URL || undefined,
      redisNodeUrls: REDIS_NODES ? REDIS_NODES.split(',') : [],
      workers: REDIS_URL ? 1 : options.workers,
      strategyFiles: files,
      reach: options.reach,
      secondsMax: options.seconds,
      cellSecondsMax: options.cellSeconds,
      explored: cell => note(progressOf(cell)),
      signal,
    });
    const cells = besideControl(inOrder(registry, specs, found, signal), found, control);
    write(printed(cells, options));
    return signal.aborted ? exitCodes.interrupted : exitCodeOf(cells);
  } finally {
    await services.close();
  }
}

/** Cells that are not reached in time are reported as not explored. */
function timeOf(cells: number, controls: number, { seconds }: ExploreOptions): TimePlan {
  const own = counted(cells, 'cell');
  return {
    work: controls > 0 ? `${own} and ${counted(controls, 'control')}` : own,
    mostSeconds: seconds,
    besides: 'the start of the servers',
  };
}

function specsOf(registry: Registry, options: ExploreOptions): CellSpec[] {
  const scenario = scenarioOf(registry, options.scenario);
  const variants = options.variant === undefined ? undefined : [options.variant];
  const asked = options.strategies.map(name => (/[./\\]/.test(name) ? strategyNameOf(name) : name));
  const names = asked.length > 0 ? asked : [...registry.strategies.keys()];
  const mixes = options.pairs
    ? names.flatMap((a, at) => names.slice(at).map(b => [a, b]))
    : names.map(name => Array.from({ length: options.actors }, () => name));
  return (variants ?? Object.keys(scenario.registered.variants)).flatMap(variant => {
    const traits = scenario.registered.variants[variant];
    const rounds = roundsAsked(options) ?? roundNames(traits ?? { rounds: {} });
    return rounds.flatMap(round =>
      mixes.map(strategies => {
        const spec = { scenario: scenario.name, variant, strategies, round };
        // under their own names: those of two at once come in one order
        return { ...spec, strategies: planOf(registry, spec).strategies.map(({ name }) => name) };
      }),
    );
  });
}

/** Undefined: all rounds of the variant. */
function roundsAsked({ rounds, couple, doubleTap, pairs }: ExploreOptions): string[] | undefined {
  const flags = [...(couple ? ['couple'] : []), ...(doubleTap ? ['double-tap'] : [])].join('+');
  const asked = [...rounds, ...(flags === '' ? [] : [flags])];
  if (asked.includes('all')) return undefined;
  if (asked.length > 0) return asked;
  return pairs ? ['plain'] : undefined;
}

/** All cells in the order of `specs`, including those not offered or not started. */
function inOrder(
  registry: Registry,
  specs: readonly CellSpec[],
  found: readonly ExploredCell[],
  { aborted }: AbortSignal,
): ExploredCell[] {
  const late = `${aborted ? 'interrupted' : 'time limit reached'} before it started`;
  const nameOf = (of: Pick<CellSpec, 'variant' | 'round' | 'strategies'>): string =>
    [of.variant, of.round, ...of.strategies].join(' ');
  const known = new Map(found.map(cell => [nameOf(cell), cell]));
  return specs.map(spec => {
    const cell = known.get(nameOf(spec));
    if (cell) return cell;
    const plan = planOf(registry, spec);
    const missing = notOffered(plan);
    return missing === undefined
      ? unexplored(plan, 'budget-stopped', late)
      : unexplored(plan, 'not offered', missing);
  });
}

function printed(cells: readonly ExploredCell[], options: ExploreOptions): string {
  if (options.json)
    return `${JSON.stringify({ format: 'lockstep exploration', cells }, null, 2)}\n`;
  const text = (options.pairs ? pairsText : exploredText)(cells, options.timelines);
  const assumptions = [...new Set(cells.flatMap(cell => cell.assumptions))];
  return `${text}\nAssumptions:\n${assumptions.map(one => `- ${one}\n`).join('')}`;
}

function progressOf(cell: ExploredCell): string {
  const { outcome, violating, orders, seconds } = cell;
  return `${rowNameOf(cell)}: ${outcome}, ${violating} of ${orders} orders in ${seconds.toFixed(1)} s`;
}

/** Decided by the claims; cells without a claim (a mix of strategies) do not count. */
export function exitCodeOf(cells: readonly ExploredCell[]): ExitCode {
  if (brokenClaims(cells).length > 0) return exitCodes.claimBroken;
  const offered = cells.filter(cell => cell.outcome !== 'not offered');
  const complete = offered.every(
    cell =>
      cell.outcome === 'unsafe' || (cell.outcome === 'safe' && cell.exhausted && isProven(cell)),
  );
  const shown = notShown(cells).length === 0;
  return complete && shown && offered.length > 0 ? exitCodes.asClaimed : exitCodes.inconclusive;
}
