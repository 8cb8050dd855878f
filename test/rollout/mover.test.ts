import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { addGates, gateOf } from '../../src/rollout/assignment-schema.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';

/** Whoever changes assignments may stop at any moment. */
const { databaseUrl } = await scenarioDatabase(await loadRegistry());
const place = { scenario: 'coupon', variant: 'plain' };
const group = 7;
let mover: Session;
let watcher: Session;

beforeAll(async () => {
  [mover, watcher] = [await Session.open(databaseUrl), await Session.open(databaseUrl)];
});
afterAll(async () => {
  await Promise.all([mover.close(), watcher.close()]);
});
beforeEach(async () => {
  await mover.run(
    'truncate lockstep_assignments, lockstep_places',
    'drop schema lockstep_gates cascade; create schema lockstep_gates',
  );
  await addGates(mover.client, [place]);
});

/** The gates that keep newcomers out, as another session sees it. */
const closedSql = () => `
  select count(*)::integer from pg_locks as l join pg_class as c on c.oid = l.relation
  where l.pid = ${mover.pid} and l.mode = 'AccessExclusiveLock'
    and c.relnamespace = 'lockstep_gates'::regnamespace`;

/** The mover's client; before each message it is noted how many gates it holds. */
function noting(held: number[]): pg.Client {
  return new Proxy(mover.client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'query' || typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        held.push(Number(await watcher.value(closedSql())));
        return Reflect.apply(value, target, given);
      };
    },
  });
}

const assigned = { ...place, strategy: 'row-lock', groups: [group] };
const change = { ...place, group, epoch: 1n, to: 'redis-lease' };

test('between two of its messages it keeps nobody out, so it may freeze there', async () => {
  const held: number[] = [];
  expect(await assignPlace(noting(held), assigned, 5_000)).toEqual({ kind: 'changed', epoch: 1n });
  expect(await changeGroup(noting(held), change, 5_000)).toEqual({ kind: 'changed', epoch: 2n });
  const inside = await Session.open(databaseUrl);
  await inside.run('begin', `lock table ${gateOf(place, group, 2n)} in access share mode`);
  const again = { ...change, epoch: 2n, to: 'row-lock' };
  expect((await changeGroup(noting(held), again, 20)).kind).toBe('blocked');
  await inside.close();
  expect(held.length).toBeGreaterThan(5);
  expect(Math.max(...held)).toBe(0);
});

test('a group whose row says another epoch than its gate is left as it is', async () => {
  await assignPlace(mover.client, assigned, 5_000);
  await mover.run('update lockstep_assignments set epoch = 5');
  expect(await changeGroup(mover.client, change, 5_000)).toEqual({ kind: 'outdated' });
  expect(await mover.value('select epoch::integer from lockstep_assignments')).toBe(5);
  await mover.run('begin', `lock table ${gateOf(place, group, 1n)} in access share mode`, 'commit');
});

test('two who change one group at once change it once', async () => {
  await assignPlace(mover.client, assigned, 5_000);
  const ends = await Promise.all(
    [mover, watcher].map(({ client }) => changeGroup(client, change, 5_000)),
  );
  expect(ends.map(({ kind }) => kind).sort()).toEqual(['changed', 'outdated']);
  expect(await mover.value('select epoch::integer from lockstep_assignments')).toBe(2);
});
