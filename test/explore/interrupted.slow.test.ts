import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { until } from '../services/processes.ts';
import { ExploreProcess, runMs } from './explore-process.ts';

const config = fileURLToPath(new URL('commands/endless.config.ts', import.meta.url));
const [redis] = await ownRedisServers(1);

// A role of this file's own: its databases are told from those of other tests.
const role = `interrupted_${process.pid}`;
const admin = new pg.Pool({ connectionString: testServers().postgresUrl, max: 1 });
const pgUrl = new URL(testServers().postgresUrl);
beforeAll(async () => {
  await admin.query(`create role ${role} login superuser password 'x'`);
  [pgUrl.username, pgUrl.password] = [role, 'x'];
});
afterAll(async () => {
  await admin.query(`drop role ${role}`);
  await admin.end();
});

const running: ExploreProcess[] = [];
afterEach(() => {
  for (const one of running.splice(0)) one.clean();
});

function start(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const one = new ExploreProcess(args, environment);
  running.push(one);
  return one;
}

async function databases(): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_database where datdba = '${role}'::regrole`,
  );
  return rows.map(({ name }) => name);
}

const given = (): Record<string, string> => ({
  DATABASE_URL: pgUrl.href,
  REDIS_URL: redis?.url ?? '',
});

const INT = 'Ctrl-C to the group' as const;
const TERM = 'SIGTERM to the process' as const;
const KILL = 'SIGKILL of the process' as const;
const all = [INT, TERM, KILL] as const;

function end(one: ExploreProcess, way: (typeof all)[number]): void {
  if (way === INT) one.interruptGroup();
  else one.child.kill(way === TERM ? 'SIGTERM' : 'SIGKILL');
}

const killed = { code: null, signal: 'SIGKILL' };
const stopped = { code: 130, signal: null };

/** Nothing of it is left: no process, no database, no key, no folder. */
async function nothingIsLeft(one: ExploreProcess): Promise<void> {
  await expect.poll(() => one.left(), { timeout: 20_000 }).toEqual({ processes: [], folders: [] });
  await expect.poll(databases, { timeout: 20_000 }).toEqual([]);
  expect(await redis?.admin.dbsize()).toBe(0);
}

describe('an exploration of programs, on servers that are given,', { timeout: runMs }, () => {
  test.each(all)('%s in the middle', async way => {
    const one = start([config, '--json'], given());
    await until('some orders', () => one.orders > 2, 60_000);
    end(one, way);
    const ended = await one.ended;
    const expected = way === KILL ? killed : stopped;
    expect(ended, ended.stderr).toMatchObject(expected);
    await nothingIsLeft(one);
    if (ended.code !== 130) return;
    const told = JSON.parse(ended.stdout);
    expect(told).toMatchObject({ outcome: 'budget-stopped', interrupted: true });
    expect(told.why).toMatch(/^\d+ orders satisfy it, then it was interrupted/);
    expect(told.orders).toBeGreaterThan(0);
  });

  test.each([INT, KILL] as const)('%s as soon as its database is there', async way => {
    const one = start([config], given());
    await expect.poll(databases, { timeout: 60_000, interval: 5 }).not.toEqual([]);
    end(one, way);
    const ended = await one.ended;
    expect(ended, ended.stderr).toMatchObject(way === KILL ? killed : stopped);
    await nothingIsLeft(one);
    if (ended.code === 130) expect(ended.stdout).toContain('interrupted');
  });
});

describe('an exploration that started its servers', { timeout: runMs }, () => {
  test.each([INT, KILL] as const)('%s in the middle', async way => {
    const one = start([config], {});
    await until('some orders', () => one.orders > 1, 90_000);
    end(one, way);
    const ended = await one.ended;
    expect(ended, ended.stderr).toMatchObject(way === KILL ? killed : stopped);
    await nothingIsLeft(one);
  });

  test.each([TERM] as const)('%s while they start', async way => {
    const one = start([config], {});
    await until('a keeper', () => one.left().processes.length > 1, 60_000);
    end(one, way);
    const ended = await one.ended;
    // Before the command listens for signals they end it as they end any process.
    if (ended.code !== null) expect(ended.code).toBe(130);
    await nothingIsLeft(one);
  });
});

describe('an exploration of strategies', { timeout: runMs }, () => {
  const args = '--scenario appointment --strategy row-lock,serializable --actors 3 --json';

  test.each(all)('%s in the middle', async way => {
    const one = start(args.split(' '), { DATABASE_URL: pgUrl.href });
    await expect.poll(databases, { timeout: 60_000 }).not.toEqual([]);
    end(one, way);
    const ended = await one.ended;
    expect(ended, ended.stderr).toMatchObject(way === KILL ? killed : stopped);
    await nothingIsLeft(one);
    if (ended.code !== 130) return;
    const { cells } = JSON.parse(ended.stdout);
    expect(cells.map(({ outcome }: { outcome: string }) => outcome)).toContain('budget-stopped');
  });
});
