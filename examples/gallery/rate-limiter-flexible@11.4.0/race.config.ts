import pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { race } from '../../../src/explore/race.ts';

/** A caller that may come in if the limit, one in a minute, has room for it. */
const call: ActorFunction = async ({ pgUrl }) => {
  const storeClient = new pg.Pool({ connectionString: pgUrl, max: 1 });
  const table = { tableName: 'limits', tableCreated: true, clearExpiredByTimeout: false };
  const limiter = new RateLimiterPostgres({ storeClient, points: 1, duration: 60, ...table });
  const told = await limiter.consume('caller').then(
    () => 'in',
    () => 'refused',
  );
  await storeClient.end();
  return told;
};

export default race({
  title: 'two calls and room for one',
  setup: `
    create table limits (key varchar(255) primary key, points integer not null default 0, expire bigint)`,
  audit: 'select key, points from limits where points <> 2',
  check: ends => {
    const inside = ends.filter(end => end?.kind === 'returned' && end.value === 'in').length;
    return inside === 1 ? [] : [`${inside} calls came in`];
  },
  actors: { 'first call': call, 'second call': call },
});

export const note =
  'The limiter on Postgres, room for one call in a minute; the table exists already.';
