import type { Config } from '../config.ts';
import type { Registry } from '../engine/registry.ts';
import { strategyNamed } from '../rollout/named.ts';
import { reasonAgainst } from './choice.ts';
import { redisNeedsOf } from './health.ts';

/** What is wrong between the configuration and what there is to run, each with what to write. */
export function deploymentProblems(config: Config, registry: Registry): string[] {
  const found = strategyNamed(registry, config.strategy);
  if ('unknown' in found)
    return [
      `STRATEGY is '${config.strategy}', and '${found.unknown}' does not exist; write one of ` +
        `${[...registry.strategies.keys()].join(', ')}, or both:one+other`,
    ];
  if ('refused' in found) return [`STRATEGY is '${config.strategy}': ${found.refused}`];
  const { strategy } = found;
  const scenarios = [...registry.scenarios.values()];
  const offered = scenarios.some(({ registered: { variants } }) =>
    Object.keys(variants).some(
      variant => !reasonAgainst({ strategy, variant }, variants, () => undefined),
    ),
  );
  const problems: string[] = [];
  if (!offered)
    problems.push(
      `STRATEGY is '${strategy.name}', and no scenario is written as ` +
        `'${strategy.declared.wording}'; write another one`,
    );
  // servers are started only where none at all are named: a lock server of each replica's own would
  // give everybody the turn
  const given = config.databaseUrl !== undefined;
  const need = redisNeedsOf(strategy.declared);
  if (given && need.one && config.redisUrl === undefined)
    problems.push(
      `REDIS_URL is not set, and STRATEGY '${strategy.name}' needs Redis; write redis://host:6379`,
    );
  if (given && need.several && config.redisNodeUrls.length === 0)
    problems.push(
      `REDIS_NODES is not set, and STRATEGY '${strategy.name}' needs several Redis nodes; ` +
        'write their URLs, separated by commas',
    );
  return problems;
}
