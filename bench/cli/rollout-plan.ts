/** `lockstep rollout plan`: how a change of strategy can be made, before anything runs. */
import { loadRegistry, type RegisteredStrategy, type Registry } from '../../src/engine/registry.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { timelineText } from '../../src/explore/timeline/text.ts';
import { both } from '../../src/rollout/both.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { wayOf } from '../../src/rollout/plan.ts';
import { areSafeSideBySide } from '../../src/rollout/side-by-side.ts';
import { openServices } from '../../src/services/index.ts';
import { type CellPlan, exploreCell } from '../explore/cell.ts';
import { closeProvider } from '../explore/provider.ts';
import { plain, roundOf } from '../explore/rounds.ts';
import { notOffered, optionsOf, usualReach } from '../explore/spec.ts';
import { UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CommandContext } from './command.ts';

/** A scenario with its strategies as options, or two strategies. */
type Asked = { readonly scenario: string } | { readonly from: string; readonly to: string };

interface Options {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly scenario: string | undefined;
  readonly variant: string | undefined;
  readonly lab: boolean;
  readonly effectsOutside: boolean;
  readonly explore: boolean;
  readonly json: boolean;
}

/** Without a rollout: processes that are started anew, one by one, with another STRATEGY. */
interface Restart {
  readonly way: 'direct' | 'needs both' | 'impossible';
  readonly because: string;
  /** Where it was looked for and found. */
  readonly order?: string;
}

export async function plan(
  asked: Asked,
  options: Options,
  context: CommandContext,
): Promise<number> {
  const registry = await loadRegistry([]);
  const name = ('scenario' in asked ? asked.scenario : options.scenario) ?? '';
  const scenario = known(registry.scenarios, name, 'scenario');
  const { variants } = scenario.registered;
  const variantName = options.variant ?? Object.keys(variants)[0] ?? '';
  const variant = known(new Map(Object.entries(variants)), variantName, 'variant');
  const names = 'from' in asked ? asked : { from: options.from, to: options.to };
  const from = strategyOf(registry, '--from', names.from);
  const to = strategyOf(registry, '--to', names.to);
  const { lab: hazardAllowed, effectsOutside: outsideAcknowledged } = options;
  const way = wayOf({ from, to, variant, hazardAllowed, outsideAcknowledged });
  const cell: CellPlan = {
    ...{ scenario, variant: variantName, strategies: [from, to] },
    ...{ round: roundOf(variant, plain), strategyFiles: [] },
  };
  const lacks = notOffered(cell);
  const found = options.explore && !lacks ? await explored(cell, context) : undefined;
  const restart = lacks === undefined ? restartOf(from, to, found) : undefined;
  if (options.json) context.write(`${JSON.stringify({ ...way, ...(restart && { restart }) })}\n`);
  else {
    context.write(`${way.way}: ${way.because}\n`);
    for (const need of way.needs) context.write(`needs ${need}\n`);
    if (restart) context.write(told(restart));
  }
  return way.way === 'impossible' ? exitCodes.claimBroken : exitCodes.asClaimed;
}

function told({ way, because, order }: Restart): string {
  const text = `without a rollout, by starting processes anew one by one: ${way}: ${because}\n`;
  return order === undefined ? text : `${text}\n${order.trimEnd()}\n`;
}

function restartOf(
  from: RegisteredStrategy,
  to: RegisteredStrategy,
  found: Exploration | undefined,
): Restart {
  if (found ? found.outcome === 'safe' : areSafeSideBySide(from, to))
    return {
      way: 'direct',
      because: found
        ? `side by side no order of their steps breaks it (${found.why})`
        : 'they take the same lock, lock the same row, or check the same version or constraint',
    };
  const side = `'${from.name}' and '${to.name}' side by side `;
  const why = found
    ? `${side}are ${found.outcome}: ${found.why}`
    : `${side}are not known to exclude each other`;
  const { counterexample, actors = [] } = found ?? {};
  const order = counterexample && { order: timelineText({ actors, counterexample }) };
  const middle = both(from, to);
  return 'refused' in middle
    ? { way: 'impossible', because: `${why}; ${middle.refused}`, ...order }
    : { way: 'needs both', because: `${middle.name} in between, for ${why}`, ...order };
}

const secondsMax = 120;

/** One caller under each, in every order within two preemptions, up to the first that breaks it. */
async function explored(cell: CellPlan, { signal, note }: CommandContext): Promise<Exploration> {
  const services = await openServices({
    ...{ redisNodeCount: 3, durable: false, report: note, signal },
  });
  try {
    const redisNodeUrls = services.redisNodes.map(({ url }) => url);
    const servers = { pgUrl: services.postgres.url, redisUrl: services.redis.url, redisNodeUrls };
    const reach = optionsOf({ ...usualReach, events: [], phases: false, firstOnly: true });
    return await exploreCell(cell, servers, { ...reach, secondsMax, signal });
  } finally {
    await closeProvider();
    await services.close();
  }
}

function strategyOf(
  registry: Registry,
  flag: string,
  name: string | undefined,
): RegisteredStrategy {
  if (name === undefined) throw new UsageError(`${flag} is missing`);
  const found = strategyNamed(registry, name);
  if ('strategy' in found) return found.strategy;
  throw new UsageError('refused' in found ? `${found.refused}.` : `unknown strategy '${name}'`);
}

function known<T>(all: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = all.get(name);
  if (found !== undefined) return found;
  throw new UsageError(`unknown ${what} '${name}'; expected one of ${[...all.keys()].join(', ')}`);
}
