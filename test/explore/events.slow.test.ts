import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  type ActorFunction,
  type Exploration,
  explore,
  replay,
} from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, programs, subject, transaction, underLease } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const options = { servers, phases: false } as const;

const table = 'create table booking (id serial primary key, who text)';
const atMostOne = 'select count(*)::int as bookings from booking having count(*) > 1';

function marks(found: Exploration): string {
  return found.counterexample?.schedule ?? '';
}

describe('deadlock', () => {
  const cards =
    'create table card (id int primary key, cents int); insert into card values (1, 0), (2, 0)';
  const add = (first: number, second: number): ActorFunction =>
    onePgClient(
      transaction('begin', async query => {
        await query(`update card set cents = cents + 1 where id = ${first}`);
        await query(`update card set cents = cents + 1 where id = ${second}`);
      }),
    );

  test('each member of the cycle becomes the victim once, with 40P01', async () => {
    const found = await explore(subject(cards, 'select 1 where false', [add(1, 2), add(2, 1)]), {
      ...options,
      preemptions: 'unbounded',
      reduce: false,
    });
    expect(found.outcome).toBe('safe');
    expect([...found.ends.keys()].sort()).toEqual([
      'A returned "40P01" · B returned',
      'A returned · B returned',
      'A returned · B returned "40P01"',
    ]);
  });
});

describe('crash', () => {
  test('a row lock dies with its holder: nobody is stuck at any step', async () => {
    const found = await explore(programs['row lock'], { ...options, events: ['crash'] });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()]).toContain('A crashed · B returned');
    expect([...found.ends.keys()]).toContain('A returned · B crashed');
  });

  test('SETNX before EXPIRE leaves the lock behind when the holder dies between them', async () => {
    const setnxThenExpire: ActorFunction = async ({ redisUrl }) => {
      const client = new Redis(redisUrl);
      client.on('error', () => undefined);
      try {
        if ((await client.setnx('lock', 'mine')) === 0) return 'busy';
        await client.pexpire('lock', 600_000);
        await client.del('lock');
        return 'served';
      } finally {
        client.disconnect();
      }
    };
    const found = await explore(
      {
        ...subject(table, atMostOne, [setnxThenExpire]),
        // Every lease has passed: what is still locked is locked for ever.
        probe: setnxThenExpire,
        checkProbe: end =>
          end?.kind === 'returned' && end.value === 'served' ? [] : ['stuck: no fresh turn'],
      },
      { ...options, events: ['crash'] },
    );
    expect(found.outcome).toBe('unsafe');
    expect(marks(found)).toBe('v2:A!A');
  });

  test('a statement parked between snapshot and effect goes on when its client dies', async () => {
    const found = await explore(programs['row lock'], {
      servers,
      events: ['crash'],
      preemptions: 1,
    });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect(found.parts.map(({ event, violating }) => [event, violating])).toEqual([
      ['none', 0],
      ['crash', 0],
    ]);
  });

  test('a statement that waits when its client dies still takes effect', async () => {
    const setup = 'create table counter (n int); insert into counter values (0)';
    const increment = onePgClient(
      transaction('begin', query => query('update counter set n = n + 1')),
    );
    const alone = onePgClient(query => query('update counter set n = n + 10'));
    const counted = subject(setup, 'select n from counter where n <> 11', [increment, alone]);
    const [record] = await replay(counted, 'v1:AB!BA', { ...options, events: ['crash'] });
    expect(record?.ends.map(end => end?.kind)).toEqual(['returned', 'crashed']);
    // Both were applied, though nobody was left to be told of the second.
    expect(record?.violations).toEqual([]);
  });
});

describe('lost reply', () => {
  const retrying = (key: string | undefined): ActorFunction => {
    return async ({ pgUrl }) => {
      for (let attempt = 0; attempt < 2; attempt++) {
        const client = new pg.Client(pgUrl);
        client.on('error', () => undefined);
        try {
          await client.connect();
          const insert = 'insert into payment (key) values ($1) on conflict (key) do nothing';
          await client.query(insert, [key ?? `attempt ${attempt}`]);
          return 'paid';
        } catch {
          // A blind retry: it cannot know whether the first one happened.
        } finally {
          await client.end().catch(() => undefined);
        }
      }
      return 'unknown';
    };
  };
  const payments = 'create table payment (key text primary key)';
  const paidOnce = 'select count(*)::int as payments from payment having count(*) > 1';

  test('a blind retry pays twice', async () => {
    const found = await explore(subject(payments, paidOnce, [retrying(undefined)]), {
      ...options,
      events: ['lost-reply'],
    });
    expect(found.outcome).toBe('unsafe');
    expect(marks(found)).toBe('v2:?AA2');
  });

  test('an idempotency key pays once', async () => {
    const found = await explore(subject(payments, paidOnce, [retrying('invoice 7')]), {
      ...options,
      events: ['lost-reply'],
    });
    // one caller alone is no race, whatever is lost: no verdict of safe
    expect(found).toMatchObject({ outcome: 'inconclusive', violating: 0, exhausted: true });
  });
});

describe('what Redis and Postgres may do', () => {
  const lease = subject(table, atMostOne, [underLease('a', 1), underLease('b', 1)]);

  test('a lease alone is unsafe when it expires under its holder', async () => {
    const found = await explore(lease, { ...options, events: ['lease-expires'] });
    expect(found.outcome).toBe('unsafe');
    expect(marks(found)).toContain('%');
    expect(found.counterexample?.cost).toEqual({ events: 1, preemptions: 1 });
  });

  test('and when its holder is paused for longer than it lasts', async () => {
    const found = await explore(lease, { ...options, events: ['pause'] });
    expect(found.outcome).toBe('unsafe');
    expect(marks(found)).toMatch(/~[AB]/);
  });

  test('and when Redis loses its data', async () => {
    const found = await explore(lease, { ...options, events: ['redis-loses-data'] });
    expect(found.outcome).toBe('unsafe');
    expect(marks(found)).toContain('#');
  });

  test('a row lock stays safe when a backend is terminated', { timeout: 120_000 }, async () => {
    const found = await explore(programs['row lock'], {
      ...options,
      events: ['backend-terminated'],
    });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  });
});
