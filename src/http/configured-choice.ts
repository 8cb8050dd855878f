import type { Config } from '../config.ts';
import { redisNeedsOf, type Strategy } from '../contract/index.ts';
import type { Registry } from '../engine/registry.ts';
import { strategyNamed } from '../rollout/named.ts';
import type { ChoiceOptions } from './choice.ts';
import { clusterUnsafe, poolerUnsafe } from './deployment.ts';

/** The strategy choices that the configuration allows. Throws if STRATEGY is unknown. */
export function choiceOf(config: Config, registry: Registry): ChoiceOptions {
  const found = strategyNamed(registry, config.strategy);
  if (!('strategy' in found)) throw new Error(`there is no strategy '${config.strategy}'`);
  const { strategy } = found;
  return {
    registry,
    strategy,
    headersAllowed: config.allowStrategyHeader,
    missing: declared => missingStore(declared, config),
  };
}

function missingStore(declared: Strategy, config: Config): string | undefined {
  if (config.pooler && !declared.adoption.poolerSafe)
    return `${poolerUnsafe}, and DATABASE_POOLER is set`;
  const need = redisNeedsOf(declared);
  if (need.one && config.redisUrl === undefined) return 'needs Redis, but REDIS_URL is not set';
  if (need.several && config.redisNodeUrls.length === 0)
    return 'needs several Redis nodes, but REDIS_NODES is not set';
  return clusterUnsafe(declared, config.redisUrl);
}
