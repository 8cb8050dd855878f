import { Redis } from 'ioredis';
import pg from 'pg';
import { Mutex } from 'redis-semaphore';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

/** Looks whether the slot is free and books it by one statement, inside the lock. */
export function books(insert: string): ActorFunction {
  return async ({ pgUrl, redisUrl }) => {
    const redis = new Redis(redisUrl);
    const options = { lockTimeout: 600_000, refreshInterval: 0, acquireAttemptsLimit: 3 };
    const mutex = new Mutex(redis, 'slot 1', options);
    await mutex.acquire();
    const client = new pg.Client(pgUrl);
    await client.connect();
    const { rowCount } = await client.query('select id from booking');
    if (rowCount === 0) await client.query(insert);
    await client.end();
    await mutex.release();
    redis.disconnect();
  };
}

const book = books('insert into booking (slot) values (1)');
const config: Race = race({
  title: 'two bookings of one slot inside a lock whose lease may pass',
  setup: 'create table booking (id serial primary key, slot int not null)',
  audit: 'select slot, count(*)::int as bookings from booking group by slot having count(*) > 1',
  events: ['lease-expires'],
  preemptions: 1,
  actors: { 'first caller': book, 'second caller': book },
});
export default config;

export const note =
  "The lease ends at any point of the holder's work, as when its process is paused; no refresh comes in between. Within its lease it lets one caller in.";
