/** Events that meet one connection of a caller, and not its others. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { type ActorFunction, explore, replay } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const table = 'create table booking (id serial primary key, who text)';

const withTwo =
  (work: (one: pg.Client, other: pg.Client) => Promise<unknown>): ActorFunction =>
  async ({ pgUrl }) => {
    const clients = [new pg.Client(pgUrl), new pg.Client(pgUrl)] as const;
    for (const client of clients) {
      client.on('error', () => undefined);
      await client.connect();
    }
    try {
      return await work(...clients);
    } finally {
      for (const client of clients) await client.end().catch(() => undefined);
    }
  };

test('a backend that holds the lock ends, and the work beside it goes on', async () => {
  const books = withTwo(async (lock, work) => {
    await lock.query('select pg_advisory_lock(1)');
    const { rowCount } = await work.query('select from booking');
    if (rowCount === 0) await work.query('insert into booking default values');
  });
  const program = subject(table, atMostOne, [books, books]);
  const options = {
    servers,
    phases: false,
    preemptions: 1,
    events: ['backend-terminated'] as const,
    firstOnly: true,
  };
  const found = await explore(program, options);
  expect(found.outcome).toBe('unsafe');
  const schedule = found.counterexample?.schedule ?? '';
  expect(schedule).toMatch(/\*[AB]1/);
  const [record] = await replay(program, schedule, options);
  expect(record?.violations).toHaveLength(1);
});

test('one of two waits ends by its timeout, and the other goes on', async () => {
  const waits = withTwo(async (one, other) => {
    for (const client of [one, other]) await client.query("set lock_timeout = '5s'");
    const asked = [
      one.query('select pg_advisory_lock(1)'),
      other.query('select pg_advisory_lock(2)'),
    ];
    const ended = await Promise.allSettled(asked);
    return ended.map(({ status }) => status).join(' and ');
  });
  const holds = onePgClient(async query => {
    await query('select pg_advisory_lock(1), pg_advisory_lock(2)');
    await query('select pg_advisory_unlock_all()');
  });
  const found = await explore(subject(table, 'select 1 where false', [waits, holds]), {
    servers,
    phases: false,
    preemptions: 1,
    events: ['timeout'],
  });
  const told = found.told[0]?.endings.map(({ ending }) => ending);
  expect(told).toContain('returned "fulfilled and rejected"');
  expect(told).toContain('returned "rejected and fulfilled"');
  expect(told).toContain('returned "rejected and rejected"');
});
