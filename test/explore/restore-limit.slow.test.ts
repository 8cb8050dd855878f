import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };

/** A session of its own in the exploration's database, which is dropped under it. */
async function stranger(pgUrl: string, text: string): Promise<void> {
  const session = new pg.Client(pgUrl);
  session.on('error', () => undefined);
  await session.connect();
  await session.query(text);
}

describe('rows that a stranger has locked end in no verdict, which names the session', () => {
  const writes = onePgClient(query => query('insert into seat values (1)'));
  const setup = 'create table seat (n int); insert into seat values (0)';
  const seats = subject(setup, 'select 1 where false', [writes, writes]);
  const locks = (pgUrl: string) => stranger(pgUrl, 'begin; lock table seat');
  const named = /lock timeout; in the database are still pid \d+ \(idle in transaction\)/;

  test('before they are copied', async () => {
    const found = await explore({ ...seats, prepare: locks }, { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('the rows cannot be copied');
    expect(found.why).toMatch(named);
  });

  test('before they are put back', async () => {
    let orders = 0;
    const check = async (_ends: unknown, { pgUrl }: { readonly pgUrl: string }) => {
      if (++orders === 2) await locks(pgUrl);
      return [];
    };
    const found = await explore({ ...seats, check }, { servers });
    expect(orders).toBe(2);
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('the rows cannot be put back');
    expect(found.why).toMatch(named);
  });
});

test('sessions that `prepare` leaves open are named where the database has to be copied', async () => {
  const makes = onePgClient(query => query('create table if not exists seat (n int)'));
  const found = await explore(
    {
      ...subject('select 1', 'select 1 where false', [makes, makes]),
      prepare: pgUrl => stranger(pgUrl, 'select 1'),
    },
    { servers },
  );
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain('does `prepare` end its sessions?');
});
