import { realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import type { Keeper } from './keeper.ts';
import { packagedRedis } from './redis-package.ts';
import { probeRedis, type RedisBinary } from './redis-probe.ts';

/** Where to look. */
export interface RedisPlaces {
  /** Folders with an installed `redis-server` or `valkey-server`. */
  readonly folders: readonly string[];
  /** The folder of apt-get, dpkg-deb and ldd; undefined on systems without apt. */
  readonly tools: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** PATH, then the usual install folders, since PATH may be minimal. */
export function usualRedisPlaces(env: NodeJS.ProcessEnv = process.env): RedisPlaces {
  const inPath = (env.PATH ?? '').split(delimiter).filter(folder => folder.startsWith('/'));
  const known = ['/usr/bin', '/usr/local/bin', '/usr/sbin', '/usr/local/sbin'];
  const others = [
    '/opt/homebrew/bin',
    '/home/linuxbrew/.linuxbrew/bin',
    '/opt/local/bin',
    '/snap/bin',
  ];
  const folders = [...new Set([...inPath, ...known, ...others])];
  return { folders, tools: process.platform === 'linux' ? '/usr/bin' : undefined, env };
}

const waysOut = `No Redis found. Three options:
- install it: \`apt-get install redis-server\`, \`dnf install valkey\`, \`apk add redis\`, or \`brew install redis\`
- set REDIS_URL (and REDIS_NODES, separated by commas, for Redlock) to running servers
- run a container: \`docker run -p 127.0.0.1:6379:6379 redis:7\`, then REDIS_URL=redis://127.0.0.1:6379`;

/**
 * Returns an installed Redis or Valkey, otherwise the distribution's package from the cache,
 * downloaded if necessary. Rejects with the reasons and three options.
 */
export async function findRedis(
  keeper: Keeper,
  places: RedisPlaces,
  report: (line: string) => void,
): Promise<RedisBinary> {
  const reasons: string[] = [];
  for (const folder of places.folders) {
    for (const name of ['redis-server', 'valkey-server']) {
      const command = await realpath(join(folder, name)).catch(() => undefined);
      if (command === undefined) continue;
      try {
        const origin = join(folder, name);
        return { ...(await probeRedis(keeper, origin, {})), origin, downloadMs: 0 };
      } catch (error) {
        reasons.push(errorMessage(error));
      }
    }
  }
  try {
    return await packagedRedis(keeper, places.tools, places.env, report);
  } catch (error) {
    reasons.push(errorMessage(error));
  }
  throw new Error(`${waysOut}\nTried:\n${reasons.map(reason => `- ${reason}`).join('\n')}`);
}
