import type { Config } from '../config.ts';
import { redisNeedsOf, type Strategy } from '../contract/index.ts';
import type { Registry } from '../engine/registry.ts';
import { strategyNamed } from '../rollout/named.ts';
import { redisAddress } from '../store/redis-url.ts';
import { reasonAgainst } from './choice.ts';

/** Why a strategy that is not pooler-safe cannot run behind a pooler in transaction mode. */
export const poolerUnsafe =
  'holds a session lock, which a pooler gives to strangers and frees for nobody';

/** Why a strategy cannot have a Redis Cluster as its lock store; undefined if it can, or has none. */
export function clusterUnsafe(
  { turns }: Strategy,
  redisUrl: string | undefined,
): string | undefined {
  if (redisUrl === undefined || redisAddress(redisUrl)?.kind !== 'cluster') return undefined;
  const because = turns.find(({ oneServer }) => oneServer !== undefined)?.oneServer;
  return because && `needs one server: ${because}`;
}

/** Mismatches between the configuration and the registry, each with its fix. */
export function deploymentProblems(config: Config, registry: Registry): string[] {
  const found = strategyNamed(registry, config.strategy);
  if ('unknown' in found)
    return [
      `STRATEGY is '${config.strategy}', but there is no strategy '${found.unknown}'; use one of ` +
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
      `STRATEGY is '${strategy.name}', but no scenario has its wording ` +
        `'${strategy.declared.wording}'; choose another strategy`,
    );
  // servers are started only if none at all are configured: with a private lock server per replica,
  // every replica would get the lock
  const given = config.databaseUrl !== undefined;
  const need = redisNeedsOf(strategy.declared);
  if (given && need.one && config.redisUrl === undefined)
    problems.push(
      `REDIS_URL is not set, but STRATEGY '${strategy.name}' needs Redis; set it to redis://host:6379`,
    );
  if (given && need.several && config.redisNodeUrls.length === 0)
    problems.push(
      `REDIS_NODES is not set, but STRATEGY '${strategy.name}' needs several Redis nodes; ` +
        'set it to their URLs, separated by commas',
    );
  const notOnCluster = clusterUnsafe(strategy.declared, config.redisUrl);
  if (notOnCluster !== undefined)
    problems.push(
      `REDIS_URL is a Redis Cluster, but STRATEGY '${strategy.name}' ${notOnCluster}; choose another ` +
        'strategy, or a Redis that stands alone or behind sentinels',
    );
  if (config.pooler && !strategy.declared.adoption.poolerSafe)
    problems.push(
      `DATABASE_POOLER is 'transaction', but STRATEGY '${strategy.name}' ${poolerUnsafe}; choose ` +
        "another strategy, or set DATABASE_URL to the server's own address",
    );
  return problems;
}
