import { race } from '../../../src/explore/race.ts';
import config, { changes, readPrice, withCache } from './race.config.ts';

/** Who fills the cache holds the row until the cache is filled: a change waits, then deletes it. */
const reader = withCache(async (cache, query) => {
  await query('begin');
  await query('select 1 from price for share');
  const cents = await cache.wrap('price', readPrice(query));
  await query('commit');
  return cents;
});

export default race({ ...config, actors: { reader, writer: withCache(changes) } });

export const note = 'Who fills the cache holds the row until it is filled.';
