/** Explored cells for the tests: real servers, strategies and scenarios of ours. */
import type { CellPlan, CellServers } from '../../bench/explore/cell.ts';
import { roundOf } from '../../bench/explore/rounds.ts';
import { loadRegistry, type RegisteredScenario, type Registry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';

/** For a test file, at its top level: the explorer empties them before each order. */
export async function cellServers(): Promise<CellServers> {
  const [redis, ...nodes] = await ownRedisServers(4);
  if (!redis) throw new Error('four servers were asked for');
  const { postgresUrl } = testServers();
  return { pgUrl: postgresUrl, redisUrl: redis.url, redisNodeUrls: nodes.map(({ url }) => url) };
}

let registry: Promise<Registry> | undefined;

/** Callers of one key: a strategy's name for each. */
export async function cellOf(
  scenarioName: string,
  variant: string,
  strategies: readonly string[],
  round = 'plain',
): Promise<CellPlan> {
  registry ??= loadRegistry();
  const known = await registry;
  const scenario = known.scenarios.get(scenarioName);
  if (!scenario) throw new Error(`no scenario ${scenarioName}`);
  const declared = strategies.map(name => {
    const found = strategyNamed(known, name);
    if (!('strategy' in found)) throw new Error(`no strategy ${name}`);
    return found.strategy;
  });
  return {
    scenario,
    variant,
    strategies: declared,
    round: roundOf(variantOf(scenario, variant), round),
    strategyFiles: [],
  };
}

function variantOf({ name, registered }: RegisteredScenario, variant: string) {
  const found = registered.variants[variant];
  if (!found) throw new Error(`${name} has no variant ${variant}`);
  return found;
}
