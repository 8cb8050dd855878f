import type { ActorUrls } from '../../explore/run/actor.ts';
import { type Address, type Tap, tapPostgres } from './postgres-tap.ts';
import { tapRedis } from './redis-tap.ts';
import type { Tape } from './tape.ts';

/** Ports in place of a database and the Redis servers. */
export interface Taps {
  readonly urls: ActorUrls;
  close(): Promise<void>;
}

/** Opens a port for each server; what passes them goes onto the tape. */
export async function openTaps(
  pgUrl: string,
  redisUrls: readonly string[],
  tape: Tape,
): Promise<Taps> {
  const taps: Tap[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(taps.map(tap => tap.close()));
  };
  try {
    const postgres = await tapPostgres(addressOf(pgUrl, 5432), tape);
    taps.push(postgres);
    const through: string[] = [];
    for (const url of redisUrls) {
      const redis = await tapRedis(addressOf(url, 6379), tape);
      taps.push(redis);
      through.push(at(url, redis.port));
    }
    const urls = {
      pgUrl: at(pgUrl, postgres.port),
      redisUrl: through[0] ?? '',
      redisUrls: through,
      httpUrls: [],
    };
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export function addressOf(url: string, usual: number): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || usual) };
}

function at(url: string, port: number): string {
  const parsed = new URL(url);
  parsed.hostname = '127.0.0.1';
  parsed.port = String(port);
  return parsed.href;
}
