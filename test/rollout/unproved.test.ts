import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { mayDecide } from '../../src/http/fleet-watch.ts';
import { addGates } from '../../src/rollout/assignment-schema.ts';
import { allProveSql } from '../../src/rollout/fleet.ts';
import { assignPlace } from '../../src/rollout/mover.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session, waitersSql } from '../fixtures/session.ts';

/** A process that proves nothing, and was cut off for so long that keys were assigned without it. */
const { databaseUrl } = await scenarioDatabase(await loadRegistry());
const place = { scenario: 'gift-card', variant: 'plain', strategy: 'row-lock' };
const shared = { url: databaseUrl, connectionsMax: 2, lockTimeoutMs: 10_000 };
const patient = { ...shared, connectTimeoutMs: 10_000 };
let mover: Session;

beforeAll(async () => {
  mover = await Session.open(databaseUrl);
});
afterAll(() => mover.close());
beforeEach(async () => {
  await mover.run(
    'truncate lockstep_assignments, lockstep_places',
    'drop schema lockstep_gates cascade; create schema lockstep_gates',
  );
  await addGates(mover.client, [place]);
});

const cutAll = `
  select pg_terminate_backend(pid, 10000) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
const one = sql`select 1`;

describe.each([
  ['node-postgres', PostgresStore, 'lockstep'],
  ['Sequelize', SequelizeStore, 'lockstep sequelize'],
])('%s', (_name, Store, applicationName) => {
  test('a connection that comes when keys are assigned decides nothing', async () => {
    const told: string[] = [];
    const check = mayDecide((_store, error) => told.push(String(error)));
    const store = new Store({ ...patient, applicationName, check });
    try {
      expect(await store.query(one, [])).toHaveLength(1);
      const assigning = { ...place, allProve: allProveSql };
      expect(await assignPlace(mover.client, assigning, 5_000)).toMatchObject({ kind: 'blocked' });
      expect(told).toEqual([]);
      await mover.run(cutAll);
      expect((await assignPlace(mover.client, assigning, 5_000)).kind).toBe('changed');
      const refused = { code: 'postgres-unavailable' };
      for (let index = 0; index < 4; index += 1)
        await expect(
          until('its session is known to be over', async () => {
            await store.query(one, []).catch(error => {
              if (error.code !== 'connection-lost') throw error;
            });
            return false;
          }),
        ).rejects.toMatchObject(refused);
      expect(told[0]).toMatch(/start it with ROLLOUTS=1/);
    } finally {
      await store.close();
    }
  });

  test('one that comes while keys are assigned waits, and is refused', async () => {
    const check = mayDecide(() => {});
    const store = new Store({ ...patient, applicationName, check });
    const other = await Session.open(databaseUrl);
    try {
      await mover.run('begin', allProveSql);
      const late = expect(store.query(one, [])).rejects.toMatchObject({
        code: 'postgres-unavailable',
      });
      await until('it waits', async () => (await other.value(waitersSql)) === 1);
      await mover.run("insert into lockstep_assignments values ('gift-card', 'plain', 1, 1, 'a')");
      await mover.run('commit');
      await late;
    } finally {
      await Promise.all([store.close(), other.close()]);
    }
  });
});
