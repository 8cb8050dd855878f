import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import connectPgSimple from 'connect-pg-simple';
import session, { type SessionData } from 'express-session';
import pg from 'pg';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

declare module 'express-session' {
  interface SessionData {
    cart?: readonly string[];
  }
}

const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql');

/** A request that puts something into the cart of the session that it shares with another. */
function adds(item: string): ActorFunction {
  return async ({ pgUrl }) => {
    const pool = new pg.Pool({ connectionString: pgUrl, max: 1 });
    const store = new (connectPgSimple(session))({ pool, pruneSessionInterval: false });
    const mine = await promisify(store.get.bind(store))('mine');
    if (mine) {
      const changed: SessionData = { ...mine, cart: [...(mine.cart ?? []), item] };
      await promisify(store.set.bind(store))('mine', changed);
    }
    await pool.end();
  };
}

const config: Race = race({
  title: 'two requests of one session put something into its cart',
  setup: `
    ${readFileSync(schema, 'utf8')};
    insert into session values ('mine', '{"cookie":{},"cart":[]}', now() + interval '1 day')`,
  audit: "select sess->'cart' as cart from session where json_array_length(sess->'cart') <> 2",
  actors: { 'adds a book': adds('book'), 'adds a pen': adds('pen') },
});
export default config;

export const note =
  'A store saves a session as a whole, as express-session asks it to: of two requests that change the same session the later one wins.';
