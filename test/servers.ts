/**
 * The servers that one `vitest run` shares: `global-setup.ts` starts them, test files ask here.
 * They are real; only durability is off, which no test of this project judges.
 */
import { inject } from 'vitest';

/** Where the shared servers of a test run listen. */
export interface TestServers {
  /** The `postgres` database of a superuser; make an own one with `freshDatabase`. */
  readonly postgresUrl: string;
  /** Shared by all test files: use keys of your own, never FLUSHALL. */
  readonly redisUrl: string;
  /** Three further, independent nodes, for Redlock. */
  readonly redisNodeUrls: readonly string[];
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly testServers: TestServers;
  }
}

/** The shared servers, in any test file. */
export function testServers(): TestServers {
  return inject('testServers');
}
