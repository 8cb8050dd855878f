import { RedisControl } from '../explore/run/redis-control.ts';
import type { RedisKey } from './subject.ts';

/** A Redis with more is not copied. */
const keysMax = 100_000;
const scanCount = '1000';

/** Every key of these servers, in all logical databases. Rejects where one holds too many. */
export async function readKeys(urls: readonly string[]): Promise<RedisKey[]> {
  const found: RedisKey[] = [];
  for (const [server, url] of urls.entries()) {
    const control = await RedisControl.open(url, 'latin1');
    try {
      for (const database of await databasesOf(control, url)) {
        await control.ask('select', String(database));
        for (const key of await namesOf(control)) {
          const dump = await control.ask('dump', key);
          const left = Number(await control.ask('pttl', key));
          if (typeof dump !== 'string') continue; // it has run out just now
          const bytes = { key: Buffer.from(key, 'latin1'), dump: Buffer.from(dump, 'latin1') };
          found.push({ server, database, ...bytes, ttlMs: Math.max(0, left) });
        }
      }
    } finally {
      control.close();
    }
  }
  return found;
}

/** Empties these servers, which are ours, and puts the keys there. */
export async function putKeys(urls: readonly string[], keys: readonly RedisKey[]): Promise<void> {
  for (const [server, url] of urls.entries()) {
    const control = await RedisControl.open(url, 'latin1');
    try {
      await control.ask('flushall');
      for (const { database, key, dump, ttlMs } of keys.filter(one => one.server === server)) {
        await control.ask('select', String(database));
        const values = [key.toString('latin1'), String(ttlMs), dump.toString('latin1')];
        await control.ask('restore', ...values);
      }
    } finally {
      control.close();
    }
  }
}

async function databasesOf(control: RedisControl, url: string): Promise<number[]> {
  const info = String(await control.ask('info', 'keyspace'));
  const found = [...info.matchAll(/^db(\d+):keys=(\d+)/gm)];
  const keys = found.reduce((sum, [, , count]) => sum + Number(count), 0);
  if (keys > keysMax) {
    throw new Error(
      `the Redis at ${new URL(url).host} holds ${keys} keys, more than the ${keysMax} that are ` +
        'copied: name one with less in it, such as that of a test environment',
    );
  }
  return found.map(([, database]) => Number(database));
}

async function namesOf(control: RedisControl): Promise<string[]> {
  const names = new Set<string>();
  let cursor = '0';
  do {
    const reply = await control.ask('scan', cursor, 'count', scanCount);
    if (!Array.isArray(reply)) break;
    cursor = String(reply[0]);
    for (const name of Array.isArray(reply[1]) ? reply[1] : []) names.add(String(name));
  } while (cursor !== '0' && names.size <= 2 * keysMax);
  return [...names].sort();
}
