import { postgresThemes } from './letters-postgres.ts';
import { redisThemes } from './letters-redis.ts';

/**
 * The alphabet, by theme. `$k` is replaced by a row or key (1, 2), `$w` by the caller's name, `$l` by
 * an isolation level; ` | ` separates steps that belong together.
 */
export interface Theme {
  /** Ways to begin a transaction; empty for a theme without transactions. */
  readonly begins: readonly string[];
  readonly body: readonly string[];
  readonly ends: readonly string[];
  /** Steps outside transactions. */
  readonly alone: readonly string[];
  /** Sent first by some callers. */
  readonly first?: readonly string[];
  readonly events?: readonly ('lease-expires' | 'timeout' | 'pause' | 'redis-loses-data')[];
}

export const themes: Readonly<Record<string, Theme>> = { ...postgresThemes, ...redisThemes };
