import pg from 'pg';
import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };

test('rows that somebody else has locked end in no verdict, which names the session', async () => {
  const writes = onePgClient(query => query('insert into seat values (1)'));
  let session: pg.Client | undefined;
  const found = await explore(
    {
      ...subject('create table seat (n int); insert into seat values (0)', 'select 1 where false', [
        writes,
        writes,
      ]),
      prepare: async pgUrl => {
        session = new pg.Client(pgUrl);
        session.on('error', () => undefined); // the database is dropped under it
        await session.connect();
        await session.query('begin; lock table seat');
      },
    },
    { servers },
  );
  await session?.end().catch(() => undefined);
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain(
    'the rows cannot be put back: canceling statement due to lock timeout',
  );
  expect(found.why).toMatch(/in the database are still pid \d+ \(idle in transaction\)/);
});

test('sessions that `prepare` leaves open are named where the database has to be copied', async () => {
  const makes = onePgClient(query => query('create table if not exists seat (n int)'));
  let session: pg.Client | undefined;
  const found = await explore(
    {
      ...subject('select 1', 'select 1 where false', [makes, makes]),
      prepare: async pgUrl => {
        session = new pg.Client(pgUrl);
        session.on('error', () => undefined);
        await session.connect();
      },
    },
    { servers },
  );
  await session?.end().catch(() => undefined);
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain('does `prepare` end its sessions?');
});
