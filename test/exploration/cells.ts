/** Explored cells for the tests: real servers, strategies and scenarios of ours. */
import type { CellPlan, CellServers } from '../../bench/exploration/cell.ts';
import { loadRegistry, type Registry } from '../../src/engine/registry.ts';
import { testServers } from '../servers.ts';

/** A logical database that the explorer may empty: no other test file uses it. */
const ownDatabase = '/14';

export function cellServers(): CellServers {
  const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
  const own = (url: string): string => {
    const parsed = new URL(url);
    parsed.pathname = ownDatabase;
    return parsed.href;
  };
  return { pgUrl: postgresUrl, redisUrl: own(redisUrl), redisNodeUrls: redisNodeUrls.map(own) };
}

let registry: Promise<Registry> | undefined;

/** Callers of one key: a strategy's name for each. */
export async function cellOf(
  scenarioName: string,
  variant: string,
  strategies: readonly string[],
): Promise<CellPlan> {
  registry ??= loadRegistry();
  const known = await registry;
  const scenario = known.scenarios.get(scenarioName);
  if (!scenario) throw new Error(`no scenario ${scenarioName}`);
  const declared = strategies.map(name => {
    const strategy = known.strategies.get(name);
    if (!strategy) throw new Error(`no strategy ${name}`);
    return strategy;
  });
  return { scenario, variant, strategies: declared, doubleTap: false, strategyFiles: [] };
}
