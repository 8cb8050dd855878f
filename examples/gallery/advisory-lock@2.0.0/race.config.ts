import { createRequire } from 'node:module';
import type * as AdvisoryLock from 'advisory-lock';
import pg from 'pg';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { race } from '../../../src/explore/race.ts';

const { default: advisoryLock }: typeof AdvisoryLock.default = createRequire(import.meta.url)(
  'advisory-lock',
);

/** Looks whether the slot is free and books it, inside the lock. */
const book: ActorFunction = async ({ pgUrl }) => {
  const mutex = advisoryLock(pgUrl)('slot 1');
  await mutex.withLock(async () => {
    const client = new pg.Client(pgUrl);
    await client.connect();
    const { rowCount } = await client.query('select id from booking');
    if (rowCount === 0) await client.query('insert into booking default values');
    await client.end();
  });
};

export default race({
  title: 'two bookings of one slot inside withLock',
  setup: 'create table booking (id serial primary key)',
  audit: 'select count(*)::int as bookings from booking having count(*) > 1',
  actors: { 'first caller': book, 'second caller': book },
});

export const note = 'No connection is lost while the lock is held.';
