import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import pg from 'pg';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

type Query = (text: string) => Promise<pg.QueryResult>;
type Work = (cache: ReturnType<typeof createCache>, query: Query) => Promise<unknown>;

/** A client and a cache in Redis, closed at the end. */
export function withCache(work: Work): ActorFunction {
  return async ({ pgUrl, redisUrl }) => {
    const client = new pg.Client(pgUrl);
    await client.connect();
    const store = new KeyvRedis(redisUrl);
    const cache = createCache({ stores: [new Keyv({ store })] });
    const told = await work(cache, text => client.query(text));
    await client.end();
    await cache.disconnect();
    return told;
  };
}

export const readPrice = (query: Query) => async () =>
  (await query('select cents from price')).rows[0].cents;

export const changes: Work = async (cache, query) => {
  await query('update price set cents = 200');
  await cache.del('price');
};

const config: Race = race({
  title: 'a price is read through the cache while it changes',
  setup: 'create table price (cents int not null); insert into price values (100)',
  audit: 'select cents from price where cents <> 200',
  actors: {
    reader: withCache((cache, query) => cache.wrap('price', readPrice(query))),
    writer: withCache(changes),
  },
  probe: withCache((cache, query) => cache.wrap('price', readPrice(query))),
  checkProbe: end =>
    end?.kind === 'returned' && end.value === 200
      ? []
      : [`later callers are told ${JSON.stringify(end)}`],
});
export default config;

export const note =
  'The store is @keyv/redis 5.1.6 without a time to live, so what is stale stays; with one it ends with it.';
