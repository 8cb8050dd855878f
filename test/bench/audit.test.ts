import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Judge } from '../../bench/lab/audit.ts';
import { loadRegistry, type RegisteredScenario } from '../../src/engine/registry.ts';
import { migrate } from '../../src/store/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../database.ts';

const signal = new AbortController().signal;
let scenario: RegisteredScenario;
let database: FreshDatabase;
let other: pg.Client;
let judge: Judge;

beforeAll(async () => {
  const found = (await loadRegistry()).scenarios.get('appointment');
  if (!found) throw new Error('there is no scenario to judge');
  scenario = found;
  database = await freshDatabase('template0', 'caller drops');
  await migrate(database.url, [scenario]);
  judge = await Judge.open(database.url, scenario.auditSql);
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});
afterAll(async () => {
  await judge.close();
  await other.end();
  await database.drop();
});

/** A request with so many appointments; the first one's command is `commandId`. */
async function request(appointments: number, commandId: string = randomUUID()): Promise<string> {
  const { rows } = await other.query<{ id: string }>(
    `with asked as (
       insert into appointment_requests (client, therapists_needed) values ('test', 1) returning id
     ), offered as (
       insert into appointment_offers (request_id, therapist_id, status)
       select id, therapist, 'accepted' from asked, generate_series(1, $1::integer) as therapist
       returning id, request_id, therapist_id
     ), booked as (
       insert into appointments (request_id, offer_id, therapist_id, command_id)
       select request_id, id, therapist_id,
         case therapist_id when 1 then $2::uuid else gen_random_uuid() end from offered
     )
     select id from asked`,
    [appointments, commandId],
  );
  return rows[0]?.id ?? '';
}

const none = { keys: [], acknowledged: [], denied: [], refusedKeys: [] };

describe('the judge', () => {
  test('finds a command that was told that nothing happened and is there', async () => {
    const [there, absent] = [randomUUID(), randomUUID()];
    const key = await request(1, there);
    const denied = [there, absent].map(commandId => ({ key, commandId }));
    const audit = await judge.audit({ ...none, keys: [key], denied }, true);
    expect(audit.violations).toEqual([
      { key, kind: 'inconsistent', excess: 1, detail: expect.stringContaining('but took effect') },
    ]);
    const rest = denied.slice(1);
    expect(await judge.audit({ ...none, keys: [key], denied: rest }, true)).toMatchObject({
      findings: 0,
    });
  });

  test('counts committed rows of the asked keys alone', async () => {
    const [good, bad] = [await request(1), await request(3)];
    expect(await judge.audit({ ...none, keys: [good] }, true)).toMatchObject({ findings: 0 });
    const audit = await judge.audit({ ...none, keys: [good, bad] }, true);
    expect(audit.violations).toEqual([
      { key: bad, kind: 'duplicate', excess: 2, detail: expect.stringContaining('3 appointments') },
    ]);
    expect(audit).toMatchObject({ findings: 1, keys: 2, settled: true });
  });

  test('looks for what was acknowledged', async () => {
    const commandId = randomUUID();
    const key = await request(1, commandId);
    const told = (id: string) => ({ ...none, keys: [key], acknowledged: [{ key, commandId: id }] });
    expect((await judge.audit(told(commandId), true)).findings).toBe(0);
    const [found] = (await judge.audit(told(randomUUID()), true)).violations;
    expect(found).toMatchObject({ key, kind: 'lost acknowledgement' });
  });

  test('holds a refusal against the room that was left', async () => {
    const key = await request(0);
    const [found] = (await judge.audit({ ...none, keys: [key], refusedKeys: [key] }, true))
      .violations;
    expect(found).toMatchObject({ key, kind: 'false refusal' });
  });

  test('does not begin while a transaction is open, and says so when it must', async () => {
    expect(await judge.settled(signal, 5_000)).toBe(true);
    await other.query('begin');
    await other.query('select 1');
    expect(await judge.settled(signal, 100)).toBe(false);
    await other.query('rollback');
    expect(await judge.settled(signal, 5_000)).toBe(true);
  });
});
