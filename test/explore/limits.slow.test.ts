import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Mutex } from 'async-mutex';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore, replay } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, programs, subject } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const table = 'create table booking (id serial primary key, who text)';
const nothing = 'select 1 where false';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a mistake ends clearly', () => {
  test('in the setup', async () => {
    const found = await explore(subject('create tabel x', nothing, [async () => 1]), { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('syntax error');
  });

  test('in the audit', async () => {
    const found = await explore(subject(table, 'select nope', [async () => 1]), { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toMatch(/audit.*nope/);
  });

  test('an audit of several statements, which would answer for none of them', async () => {
    const audit = `${atMostOne}; select 1 where false`;
    const found = await explore({ ...programs.autocommit, audit }, { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toMatch(/the audit cannot run: .*; write one statement/);
  });

  test('an audit that one actor after the other violates', async () => {
    const found = await explore(
      { ...programs.autocommit, audit: 'select * from booking' },
      { servers, phases: false },
    );
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('one actor after the other violates already');
  });

  test('a server that is not there', async () => {
    const gone = { pgUrl: 'postgres://postgres@127.0.0.1:1/postgres' };
    const found = await explore(programs.autocommit, { servers: gone });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('127.0.0.1:1');
  });

  test('a Redis that is not there', async () => {
    const gone = { ...servers, redisUrls: ['redis://127.0.0.1:1'] };
    const found = await explore(programs.autocommit, { servers: gone });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('no Redis at 127.0.0.1:1');
  });

  test('a Redis that holds keys is not emptied', async () => {
    const client = new Redis(redisUrl);
    await client.set('precious', '1');
    try {
      const found = await explore(programs.autocommit, { servers });
      expect(found.outcome).toBe('setup-failed');
      expect(found.why).toContain('holds 1 keys in database 0');
      expect(await client.get('precious')).toBe('1');
    } finally {
      await client.del('precious');
      client.disconnect();
    }
  });
});

describe('an actor that goes astray', () => {
  test('never ends: stuck, and it says where', async () => {
    const hangs: ActorFunction = () => new Promise(() => undefined);
    const found = await explore(subject(table, nothing, [hangs]), { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('A waits at something in its process');
  });

  test('is a program that hangs: it is given up and killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hangs-'));
    const script = 'echo $$ > "$0/pid"; exec sleep 600';
    const hangs = { command: ['sh', '-c', script, folder] as const };
    const found = await explore(subject(table, nothing, [hangs]), { servers, stepMs: 1_000 });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('1000 ms');
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
    await rm(folder, { recursive: true });
  });

  test('tries a lock for ever: it ends at the step limit, without a verdict', async () => {
    const tries: ActorFunction = async urls => {
      const client = new Redis(urls.redisUrl);
      try {
        await client.set('lock', 'held by nobody');
        while ((await client.set('lock', 'mine', 'NX')) === null) await sleep(10);
      } finally {
        client.disconnect();
      }
    };
    const found = await explore(subject(table, nothing, [tries]), { servers, stepsMax: 30 });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('more than 30 steps');
  });

  test('sleeps in a statement: not explained by any lock, so no verdict', async () => {
    const slow = onePgClient(query => query('select pg_sleep(30)'));
    const found = await explore(subject(table, nothing, [slow]), { servers, stepMs: 300 });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('300 ms');
  });

  test('meets other steps in each run: nondeterministic, never safe', async () => {
    let run = 0;
    const wavers = onePgClient(async query => {
      run++;
      await query(run % 3 === 0 ? 'select 1 as a' : 'select 2 as b from booking');
      await query('select count(*) from booking');
    });
    const found = await explore(subject(table, nothing, [wavers, wavers]), { servers });
    expect(found.outcome).toBe('nondeterministic');
  });
});

test('a mutex in the process is seen as sharing state, and still explored', async () => {
  const mutex = new Mutex();
  const [insert] = Object.values(programs.autocommit.actors);
  if (typeof insert !== 'function') throw new Error('no actor');
  const guarded: ActorFunction = urls => mutex.runExclusive(() => insert(urls));
  const found = await explore(subject(table, atMostOne, [guarded, guarded]), {
    servers,
    phases: false,
    preemptions: 'unbounded',
  });
  // The mutex hands its turn on in one order only, and nothing but that one was seen.
  expect(found).toMatchObject({ outcome: 'inconclusive', violating: 0, exhausted: true });
  expect(found.why).toContain('only one order');
});

const again = ['autocommit', 'transaction', 'row lock, repeatable read', 'redis lease'] as const;

describe.each(again)('%s', name => {
  test.each([true, false])('counts the same twice (phases: %s)', async phases => {
    const options = { servers, phases, preemptions: 2 } as const;
    const first = await explore(programs[name], options);
    const second = await explore(programs[name], options);
    expect({ ...second, counterexample: second.counterexample?.schedule }).toEqual({
      ...first,
      counterexample: first.counterexample?.schedule,
    });
  });
});

describe('databases that a killed explorer left', () => {
  async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: servers.pgUrl });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Another test's exploration may start in between, and drops it while nobody is in it. */
  async function inUse(name: string): Promise<pg.Client> {
    const url = new URL(servers.pgUrl);
    url.pathname = `/${name}`;
    for (let left = 50; ; left--) {
      await asAdmin(client => client.query(`create database ${name}`));
      const user = new pg.Client({ connectionString: url.href });
      const failed = await user.connect().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) return user;
      if (left === 0 || Reflect.get(Object(failed), 'code') !== '3D000') throw failed;
    }
  }

  test('are dropped at the next start, but none that is in use, new, or not ours', async () => {
    const [old, used] = ['explore_1700000000_0123456789ab', 'explore_1700000000_ba9876543210'];
    const fresh = `explore_${Math.floor(Date.now() / 1_000)}_0123456789ab`;
    const theirs = 'explore_results';
    const made = [old, used, fresh, theirs];
    await asAdmin(async client => {
      for (const name of [old, fresh, theirs]) await client.query(`create database ${name}`);
    });
    const user = await inUse(used);
    try {
      await explore(subject(table, nothing, [async () => 1]), { servers });
      const left = await asAdmin(client =>
        client.query<{ name: string }>(
          'select datname as name from pg_database where datname = any ($1) order by 1',
          [made],
        ),
      );
      expect(left.rows.map(row => row.name)).toEqual([used, fresh, theirs].sort());
    } finally {
      await user.end();
      await asAdmin(async client => {
        for (const name of made) await client.query(`drop database if exists ${name}`);
      });
    }
  });
});

const unsafe = [
  'autocommit',
  'autocommit, three actors',
  'transaction',
  'row lock, repeatable read',
  'advisory lock released before commit',
  'redis lease that expires',
] as const;

test.each(unsafe)('%s: 20 of 20 replays end like the counterexample', async name => {
  const options = { servers, firstOnly: true } as const;
  const { counterexample } = await explore(programs[name], options);
  if (counterexample === undefined) throw new Error('no counterexample');
  const { violations, ends, lines } = counterexample.record;
  expect(violations.length).toBeGreaterThan(0);
  const records = await replay(programs[name], counterexample.schedule, { ...options, times: 20 });
  const told = records.map(one => ({
    violations: one.violations,
    ends: one.ends,
    lines: one.lines,
  }));
  expect(told).toEqual(Array(20).fill({ violations, ends, lines }));
});
