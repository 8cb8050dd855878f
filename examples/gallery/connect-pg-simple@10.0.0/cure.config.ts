import pg from 'pg';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { race } from '../../../src/explore/race.ts';
import config from './race.config.ts';

/** What two requests may change at once is no part of the session, but rows of its own. */
function adds(item: string): ActorFunction {
  return async ({ pgUrl }) => {
    const client = new pg.Client(pgUrl);
    await client.connect();
    await client.query("insert into cart_item (sid, item) values ('mine', $1)", [item]);
    await client.end();
  };
}

export default race({
  ...config,
  setup: `${config.setup}; create table cart_item (sid text references session, item text)`,
  audit: 'select count(*)::int as items from cart_item having count(*) <> 2',
  actors: { 'adds a book': adds('book'), 'adds a pen': adds('pen') },
  expect: 'independent',
});

export const note = 'What two requests may change at once lives in rows of its own.';
