import { postgresThemes } from './letters-postgres.ts';
import { redisThemes } from './letters-redis.ts';

/**
 * The alphabet, by theme. `$k` becomes a row or key (1, 2), `$w` the caller's name, `$l` an
 * isolation level; ` | ` comes between steps that belong together.
 */
export interface Theme {
  /** How a transaction may begin; none for a theme without transactions. */
  readonly begins: readonly string[];
  readonly body: readonly string[];
  readonly ends: readonly string[];
  /** Steps outside of transactions. */
  readonly alone: readonly string[];
  /** Sent before all else by some callers. */
  readonly first?: readonly string[];
  readonly events?: readonly ('lease-expires' | 'timeout' | 'pause' | 'redis-loses-data')[];
}

export const themes: Readonly<Record<string, Theme>> = { ...postgresThemes, ...redisThemes };
