import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { markOf, newCommandId, originOf } from '../../src/engine/command-id.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import type { Served } from '../../src/engine/serve.ts';
import { assignerOf } from '../../src/rollout/assigner.ts';
import { addGates, gateOf } from '../../src/rollout/assignment-schema.ts';
import { Assignments } from '../../src/rollout/assignments.ts';
import { groupOf } from '../../src/rollout/key-groups.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);
const place = { scenario: 'counter', variant: 'plain' };
let mover: Session;
let watcher: Session;
let pool: pg.Pool;
/** A process that hears of nothing, and one that reads anew when it is refused. */
let deaf: OpenEngine;
let hearing: OpenEngine;
let beliefs: Assignments;

beforeAll(async () => {
  [mover, watcher] = [await Session.open(urls.databaseUrl), await Session.open(urls.databaseUrl)];
  pool = new pg.Pool({ connectionString: urls.databaseUrl, max: 2 });
  const runSql = async (text: string) => (await pool.query(text)).rows;
  beliefs = new Assignments({ runSql, onError: error => expect(error).toBeUndefined() });
  const assigner = assignerOf(beliefs, registry);
  deaf = openEngine(urls, { attemptsMax: 1 }, undefined, { ...assigner, refresh: async () => {} });
  hearing = openEngine(urls, {}, undefined, assigner);
});
afterAll(async () => {
  await Promise.all([mover.close(), watcher.close(), deaf.close(), hearing.close(), pool.end()]);
});
beforeEach(async () => {
  await mover.run(
    'truncate lockstep_assignments, lockstep_places',
    'drop schema lockstep_gates cascade; create schema lockstep_gates',
  );
  await addGates(mover.client, [place]);
  await beliefs.refresh();
});

/** A counter and the group of its key. */
async function counter(): Promise<{ readonly id: string; readonly group: number }> {
  const id = await makeCounter(deaf.store.query);
  return { id, group: groupOf(keyOf(id)) };
}

const keyOf = (id: string): string => `law_counters/${id}`;

async function serve({ engine }: OpenEngine, strategy: string, id: string): Promise<Served> {
  const found = strategyNamed(registry, strategy);
  if (!('strategy' in found)) throw new Error(JSON.stringify(found));
  return engine.serve({
    scenario: { name: place.scenario, registered: counterScenario(new Map()) },
    variant: place.variant,
    strategy: found.strategy,
    commandId: newCommandId(found.strategy.name),
    input: { params: { id }, body: {} },
  });
}

const change = (group: number, epoch: bigint, to: string, pauseMs = 5_000) =>
  changeGroup(mover.client, { ...place, group, epoch, to }, pauseMs);

const assign = (strategy: string, pauseMs = 5_000) =>
  assignPlace(mover.client, { ...place, strategy }, pauseMs);

const waiting = (count: number): Promise<void> =>
  until('it waits at the gate', async () => (await watcher.value(waitersSql)) === count);

describe('whoever was cut off from the news decides nothing under the old epoch', () => {
  test.each([...registry.strategies.keys()])('%s, refused at the gate', async strategy => {
    const { id, group } = await counter();
    // by hand, step by step: what `changeGroup` does in one go
    await mover.run('begin', `lock table ${gateOf(place)} in access exclusive mode`);
    const late = serve(deaf, strategy, id);
    await waiting(1);
    await mover.run(
      `insert into lockstep_assignments values ('counter', 'plain', ${group}, 1, 'row-lock')`,
      `alter table ${gateOf(place)} rename to "counter/plain/${group}/1"`,
      'commit',
    );
    expect((await late).outcome).toMatchObject({ kind: 'busy', detail: 'assignment-changed' });
    expect(await effectsOf(deaf.store.query, id)).toBe(0);
    // and long after it
    const later = await serve(deaf, strategy, id);
    expect(later.outcome.detail).toBe('assignment-changed');
    expect(await effectsOf(deaf.store.query, id)).toBe(0);
  });

  test('the number of the epoch counts, not the name: back to the same strategy is a change too', async () => {
    const { id, group } = await counter();
    await assign('row-lock');
    await beliefs.refresh();
    await change(group, 1n, 'redis-lease');
    await change(group, 2n, 'row-lock');
    expect((await serve(deaf, 'row-lock', id)).outcome.detail).toBe('assignment-changed');
    expect(await change(group, 2n, 'redis-lease')).toEqual({ kind: 'outdated' });
    expect(await assign('redis-lease')).toEqual({ kind: 'outdated' });
  });

  test('who hears of it runs under the new strategy, with an id that says so', async () => {
    const { id } = await counter();
    await assign('redis-lease');
    const { outcome, ran } = await serve(hearing, 'row-lock', id);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(ran?.strategy.name).toBe('redis-lease');
    expect(originOf(ran?.commandId ?? '')?.mark).toBe(markOf('redis-lease'));
    expect(await effectsOf(deaf.store.query, id)).toBe(1);
  });
});

describe('a change waits for who is inside', () => {
  test('not beyond the pause, and names who kept it from happening', async () => {
    const { id, group } = await counter();
    await assign('row-lock');
    await beliefs.refresh();
    const inside = await Session.open(urls.databaseUrl);
    await inside.run('begin', `select from law_counters where id = ${id} for update`);
    const command = serve(hearing, 'row-lock', id);
    await waiting(1);
    const ended = await change(group, 1n, 'redis-lease', 50);
    expect(ended).toMatchObject({ kind: 'blocked', by: [{ state: 'active' }] });
    // reopened: others are not kept out, and nothing has changed
    expect(beliefs.of(place.scenario, place.variant, [keyOf(id)]).epochs).toEqual([1n]);
    const moved = change(group, 1n, 'redis-lease');
    await waiting(2);
    await inside.run('commit');
    expect((await command).outcome.kind).toBe('accepted');
    expect(await moved).toEqual({ kind: 'changed', epoch: 2n });
    await inside.close();
  });

  test('newcomers wait in their process while a group closes, without a connection', async () => {
    const { id, group } = await counter();
    await assign('row-lock');
    await mover.run(
      `update lockstep_assignments set closing_until = clock_timestamp() + interval '1 minute'
       where key_group = ${group}`,
    );
    await beliefs.refresh();
    const command = serve(hearing, 'row-lock', id);
    let other = await counter();
    while (other.group === group) other = await counter(); // one in a hundred
    expect((await serve(hearing, 'row-lock', other.id)).outcome.kind).toBe('accepted');
    expect(await watcher.value(waitersSql)).toBe(0);
    expect(await effectsOf(deaf.store.query, id)).toBe(0);
    await mover.run('update lockstep_assignments set closing_until = null');
    await beliefs.refresh();
    expect((await command).outcome.kind).toBe('accepted');
  });
});

describe('what could not be done counts for the strategy that the keys are assigned to', () => {
  test('one that cannot run in this process', async () => {
    const { id } = await counter();
    await assign('redis-lease');
    await beliefs.refresh();
    const lacking = openEngine(
      urls,
      {},
      undefined,
      assignerOf(beliefs, registry, () => 'lacks it'),
    );
    const { outcome, ran } = await serve(lacking, 'row-lock', id);
    await lacking.close();
    expect(outcome).toMatchObject({ kind: 'failed', detail: 'assignment-not-offered' });
    expect(ran?.strategy.name).toBe('redis-lease');
  });

  test('a command that was not let in', async () => {
    const { id } = await counter();
    await assign('row-lock');
    await beliefs.refresh();
    const connections = { work: 1, locks: 1 };
    const limits = { connections, waitersPerKey: 0, commandsMax: 10 };
    const full = openEngine(urls, {}, limits, assignerOf(beliefs, registry));
    await mover.run('begin', `select from law_counters where id = '${id}' for update`);
    const first = serve(full, 'redis-lease', id);
    await waiting(1);
    const { outcome, ran } = await serve(full, 'redis-lease', id);
    await mover.run('commit');
    await first;
    await full.close();
    expect(outcome).toMatchObject({ kind: 'busy' });
    expect(ran?.strategy.name).toBe('row-lock');
  });
});
