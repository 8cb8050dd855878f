import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { addGates, gateOf } from '../../src/rollout/assignment-schema.ts';
import { Controller, type ControllerOptions } from '../../src/rollout/controller.ts';
import { workNames } from '../../src/rollout/fleet.ts';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import { type Rollout, Rollouts } from '../../src/rollout/rollouts.ts';
import type { RunSql } from '../../src/rollout/run-sql.ts';
import { reasonAgainstStart } from '../../src/rollout/start-check.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';

/** Who moves the groups, and what becomes of a rollout when that stops in the middle. */
const { databaseUrl } = await scenarioDatabase(await loadRegistry());
const place = { scenario: 'gift-card', variant: 'plain' };
const by = { who: 'a test', action: 'to see it', why: 'to see it' };
/** As the service's own connections. */
const options = '-c default_transaction_isolation=read\\ committed';
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, options });
const rollouts = new Rollouts(async (text, values) => (await pool.query(text, [...values])).rows);
const running: Controller[] = [];
let session: Session;

beforeAll(async () => {
  session = await Session.open(databaseUrl);
});
beforeEach(async () => {
  await session.run(
    `truncate lockstep_assignments, lockstep_places, lockstep_processes, lockstep_rollouts,
       lockstep_rollout_log, lockstep_rollout_driver cascade`,
    'drop schema lockstep_gates cascade; create schema lockstep_gates',
  );
  await addGates(session.client, [place]);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.stop()));
});
afterAll(async () => {
  await session.close();
  await pool.end();
});

function controller(more: Partial<ControllerOptions> = {}): Controller {
  const one = new Controller({
    rollouts,
    connect: async () => {
      const client = new pg.Client({ connectionString: databaseUrl });
      client.on('error', () => {});
      await client.connect();
      return client;
    },
    judge: async () => ({ verdict: 'Successful', reasons: [] }),
    met: () => {},
    pauseMs: 100,
    onError: error => expect(error).toBeUndefined(),
    everyMs: 5,
    ...more,
  });
  running.push(one);
  one.start();
  return one;
}

const gate = gateShape.parse({});

/** One that wants all groups under `redis-lease`. */
async function begun(where = place): Promise<Rollout> {
  const asked = {
    ...where,
    from: 'row-lock',
    to: 'redis-lease',
    steps: [{ setWeight: 100 }],
    gate,
  };
  const first = { step: 0, weight: 100, stage: 'progressing' } as const;
  const there = await rollouts.begin(asked, first, [by]);
  if (!there) throw new Error('it did not begin');
  return there;
}

const movedSql =
  "select count(*)::integer from lockstep_assignments where strategy = 'redis-lease'";
const moved = async (): Promise<number> => Number(await session.value(movedSql));
const now = async (): Promise<Rollout | undefined> => rollouts.newest(place.scenario);
const ended = (stage: string): Promise<void> =>
  until(`it is ${stage}`, async () => (await now())?.stage === stage);

test('a process that stops in the middle says nothing of the groups that it left', async () => {
  await begun();
  const first = controller();
  await until('some are moved', async () => (await moved()) > 0);
  await first.stop();
  expect(await moved()).toBeLessThan(100);
  expect(await now()).toMatchObject({ stage: 'progressing', step: 0 });
  controller();
  await ended('healthy');
  expect(await moved()).toBe(100);
});

test('an abort in the middle turns round at once, and leaves no group behind', async () => {
  const seen = await begun();
  controller();
  await until('some are moved', async () => (await moved()) > 0);
  await rollouts.become(seen, { step: 0, weight: 0, stage: 'aborting' }, by);
  const atMost = (await moved()) + 2; // the one that is on its way, and the one counted meanwhile
  await ended('aborted');
  expect(await moved()).toBe(0);
  const highest = await session.value(
    'select count(*)::integer from lockstep_assignments where epoch > 1',
  );
  expect(Number(highest)).toBeLessThanOrEqual(atMost);
});

test('a rollout that cannot be judged does not keep the others', async () => {
  const elsewhere = { ...place, scenario: 'appointment' };
  await addGates(session.client, [elsewhere]);
  await begun(elsewhere);
  await begun();
  const told: unknown[] = [];
  controller({
    judge: async ({ scenario }) => {
      if (scenario !== place.scenario) throw new Error('nobody can say');
      return { verdict: 'Successful', reasons: [] };
    },
    onError: error => told.push(error),
  });
  await ended('healthy');
  expect(told[0]).toMatchObject({ message: 'nobody can say' });
});

test('a group that somebody is inside of does not keep the others', async () => {
  await assignPlace(session.client, { ...place, strategy: 'row-lock' }, 5_000);
  const inside = await Session.open(databaseUrl);
  await inside.run('begin', `lock table ${gateOf(place, 5, 1n)} in access share mode`);
  await begun();
  controller();
  await until('all others are moved', async () => (await moved()) === 99);
  await until('it says so', async () => Boolean((await now())?.blocked));
  expect(await now()).toMatchObject({
    stage: 'progressing',
    blocked: [{ group: 5, by: [{ pid: inside.pid }] }],
  });
  await inside.run('commit');
  await ended('healthy');
  await inside.close();
});

test('a process that freezes while it drives is followed by another', async () => {
  await begun();
  controller({ judge: () => new Promise(() => {}) });
  await until('it drives', async () => {
    return (await session.value('select count(*)::integer from lockstep_rollout_driver')) === 1;
  });
  running.splice(0); // it would not stop either
  controller();
  await ended('healthy');
  expect(await moved()).toBe(100);
});

test('keys are not assigned while somebody may decide without a proof', async () => {
  await begun();
  await session.run(
    "insert into lockstep_processes values (gen_random_uuid(), 'version-column', now(), false)",
  );
  const older = new pg.Client({
    connectionString: databaseUrl,
    application_name: workNames.unproved,
  });
  await older.connect();
  controller();
  const because = async (): Promise<string> => JSON.stringify((await now())?.blocked ?? null);
  await until('it waits for the process', async () => /version-column/.test(await because()));
  await session.run('truncate lockstep_processes');
  await until('it waits for its session', async () => /pid \d+/.test(await because()));
  expect(await session.value('select count(*)::integer from lockstep_assignments')).toBe(0);
  await older.end();
  await ended('healthy');
});

test('what was never assigned is aborted at once', async () => {
  const seen = await begun();
  await session.run('truncate lockstep_places', 'drop table lockstep_gates."gift-card/plain"');
  await rollouts.become(seen, { step: 0, weight: 0, stage: 'aborting' }, by);
  controller();
  await ended('aborted');
});

test('a driver that freezes before it moves a group, and wakes when the rollout is aborted, moves none', async () => {
  await assignPlace(session.client, { ...place, strategy: 'row-lock' }, 5_000);
  const seen = await begun();
  let thaw = (): void => {};
  const frozen = new Promise<void>(resolve => {
    thaw = resolve;
  });
  let waits = false;
  const late = new Rollouts(async (text, values) => (await pool.query(text, [...values])).rows);
  late.isStill = async (...asked) => {
    const still = await rollouts.isStill(...asked);
    if (still && !waits) {
      waits = true;
      await frozen;
    }
    return still;
  };
  const one = controller({ rollouts: late });
  await until('it is about to move a group', () => waits);
  await rollouts.become(seen, { step: 0, weight: 0, stage: 'aborting' }, by);
  await session.run('truncate lockstep_rollout_driver');
  controller();
  await ended('aborted');
  thaw();
  await one.stop();
  expect(await moved()).toBe(0);
});

test('keys that are under two strategies can be brought under either of them', async () => {
  const runSql: RunSql = async <R extends object>(text: string, values: readonly unknown[]) =>
    (await pool.query<R>(text, [...values])).rows;
  const reason = (from: string, to: string) => reasonAgainstStart(runSql, { ...place, from, to });
  await assignPlace(session.client, { ...place, strategy: 'row-lock' }, 5_000);
  expect(await reason('redis-lease', 'row-lock')).toMatch(/start from 'row-lock'/);
  const group = { ...place, group: 7, epoch: 1n, to: 'redis-lease' };
  await changeGroup(session.client, group, 5_000);
  expect(await reason('redis-lease', 'serializable')).toMatch(/are under/);
  expect(await reason('redis-lease', 'row-lock')).toBeUndefined();
  expect(await reason('row-lock', 'redis-lease')).toBeUndefined();
  await begun();
  controller();
  await ended('healthy');
  expect(await moved()).toBe(100);
});

test('a rollout begins at its first step, and whoever acts on it saw how many keys it has', async () => {
  const seen = await begun();
  expect(await rollouts.active()).toMatchObject([{ step: 0, weight: 100, stage: 'progressing' }]);
  expect(await rollouts.history(seen)).toMatchObject([by]);
  const next = { step: 0, weight: 50, stage: 'progressing' } as const;
  expect(await rollouts.become({ ...seen, weight: 0 }, next, by)).toBeUndefined();
  expect(await rollouts.history(seen)).toHaveLength(1);
  expect(await rollouts.become(seen, next, by)).toMatchObject({ weight: 50 });
  expect(await rollouts.history(seen)).toHaveLength(2);
});

test('what is done to a rollout and what its log says of it are one', async () => {
  const seen = await begun();
  await session.run(
    'alter table lockstep_rollout_log add constraint full_log check (false) not valid',
  );
  const next = { step: 0, weight: 50, stage: 'progressing' } as const;
  await expect(rollouts.become(seen, next, by)).rejects.toThrow(/full_log/);
  await session.run('alter table lockstep_rollout_log drop constraint full_log');
  expect(await now()).toMatchObject({ weight: 100 });
});

test('three groups that somebody is inside of do not keep the others', async () => {
  await assignPlace(session.client, { ...place, strategy: 'row-lock' }, 5_000);
  const inside = await Session.open(databaseUrl);
  const gates = [0, 1, 2].map(group => gateOf(place, group, 1n)).join();
  await inside.run('begin', `lock table ${gates} in access share mode`);
  await begun();
  controller();
  await until('all others are moved', async () => (await moved()) === 97, 15_000);
  await inside.close();
  await ended('healthy');
});
