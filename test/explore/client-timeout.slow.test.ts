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
import { onePgClient, subject, transaction } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false, events: ['client-timeout'] } as const;
const setup = `create table account (id int primary key); insert into account values (1);
  create table payment (id serial primary key)`;
const paidTwice = 'select count(*)::int as n from payment having count(*) > 1';

function event(found: Exploration): string | undefined {
  return found.counterexample?.record.lines.find(line => line.store === 'event')?.result;
}

const pay = async (client: pg.Client): Promise<void> => {
  await client.query('begin');
  await client.query('select id from account for update');
  await client.query('insert into payment default values');
  await client.query('commit');
};

/** Gives up by its own limit, and tries once more on another connection. */
const payer = (config: pg.ClientConfig, limit: (work: Promise<void>) => Promise<unknown>) => {
  const act: ActorFunction = async ({ pgUrl }) => {
    for (let tries = 0; tries < 2; tries++) {
      const client = new pg.Client({ connectionString: pgUrl, ...(tries === 0 ? config : {}) });
      client.on('error', () => undefined);
      await client.connect();
      try {
        await (tries === 0 ? limit(pay(client)) : pay(client));
        await client.end();
        return 'paid';
      } catch {
        // Its connection is left to itself: what it sent may still take effect.
      }
    }
    return 'failed';
  };
  return act;
};

const race = (work: Promise<void>): Promise<unknown> =>
  Promise.race([
    work,
    new Promise((_, reject) => setTimeout(() => reject(new Error('timed out')), 1_000)),
  ]);
const holder = onePgClient(
  transaction('begin', query => query('select id from account for update')),
);

describe('a time limit in the client', () => {
  const subjects = subject(setup, paidTwice, [payer({}, race), holder]);

  test('that passes beside a request which waits pays twice', async () => {
    const found = await explore(subjects, options);
    expect(found.outcome).toBe('unsafe');
    expect(found.counterexample?.schedule).toContain('&A');
    expect(event(found)).toContain('1 000 ms have passed beside its request');
    const schedule = found.counterexample?.schedule ?? '';
    const records = await replay(subjects, schedule, { ...options, times: 20 });
    expect(records.map(({ ends }) => ends)).toEqual(
      Array(20).fill(found.counterexample?.record.ends),
    );
  });

  test('does not pass without the event', async () => {
    const found = await explore(subjects, { ...options, events: [] });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  });

  test('by query_timeout is told while the statement takes effect', async () => {
    const insert = onePgClient(query => query('insert into payment default values'));
    const limited: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client({ connectionString: pgUrl, query_timeout: 700 });
      client.on('error', () => undefined);
      await client.connect();
      try {
        await client.query('insert into payment default values');
        return 'paid';
      } catch (error) {
        return error instanceof Error ? error.message : 'failed';
      } finally {
        void client.end().catch(() => undefined);
      }
    };
    const found = await explore(subject(setup, 'select 1 where false', [limited, insert]), options);
    expect([...found.ends.keys()].sort()).toEqual([
      'A returned "Query read timeout" · B returned []',
      'A returned "paid" · B returned []',
    ]);
  });

  test("by ioredis' commandTimeout is told, too", async () => {
    const limited: ActorFunction = async ({ redisUrl }) => {
      const redis = new Redis(redisUrl, { commandTimeout: 300 });
      redis.on('error', () => undefined);
      try {
        return await redis.incr('payments');
      } catch (error) {
        return error instanceof Error ? error.message : 'failed';
      } finally {
        redis.disconnect();
      }
    };
    const found = await explore(subject(setup, 'select 1 where false', [limited]), options);
    expect([...found.ends.keys()].sort()).toEqual([
      'A returned "Command timed out"',
      'A returned 1',
    ]);
  });

  test('by connectionTimeoutMillis does not pass while it connects', async () => {
    const connects: ActorFunction = async ({ pgUrl }) => {
      const pool = new pg.Pool({ connectionString: pgUrl, connectionTimeoutMillis: 50 });
      const { rows } = await pool.query('select 1 as one');
      await pool.end();
      return rows[0];
    };
    const found = await explore(subject(setup, 'select 1 where false', [connects]), options);
    expect([...found.ends.keys()]).toEqual(['A returned {"one":1}']);
  });

  test('has no occasion where no timer is set, nor in a program', async () => {
    const plain = onePgClient(query => query('insert into payment default values'));
    const program = { command: ['node', '-e', 'setTimeout(() => {}, 10)'] as const };
    const [record] = await replay(subject(setup, paidTwice, [plain, program]), 'v2:A', {
      ...options,
      mode: 'guided',
    });
    expect(record?.occasions).toEqual(new Set());
  });
});

test('a heartbeat that is due first does not hide the limit behind it', async () => {
  const beats: ActorFunction = async urls => {
    const heart = setInterval(() => undefined, 400);
    try {
      return await payer({}, race)(urls);
    } finally {
      clearInterval(heart);
    }
  };
  const found = await explore(subject(setup, paidTwice, [beats, holder]), {
    ...options,
    preemptionsWithEvent: 3,
    firstOnly: true,
  });
  expect(found.outcome).toBe('unsafe');
});
