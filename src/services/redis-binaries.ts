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
  /** The folder of apt-get, dpkg-deb and ldd; undefined where the system has no packages of apt. */
  readonly tools: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** PATH, then where packages put servers, since PATH may be reduced to node and coreutils. */
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

const waysOut = `There is no Redis to start. Three ways out:
- install it: \`apt-get install redis-server\`, \`dnf install valkey\`, \`apk add redis\`, or \`brew install redis\`
- set REDIS_URL (and REDIS_NODES, a comma list, for Redlock) to running ones
- run a container: \`docker run -p 127.0.0.1:6379:6379 redis:7\`, then REDIS_URL=redis://127.0.0.1:6379`;

/**
 * An installed Redis or Valkey, else the distribution's own package in the cache, downloaded where
 * it is not there yet. Rejects with the reasons and three ways out.
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
