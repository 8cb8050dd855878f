import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { createPool } from '../../src/store/postgres.ts';
import { Auditor } from '../../src/telemetry/auditor.ts';
import { Meter, pageOf } from '../../src/telemetry/prometheus.ts';
import { Sweep } from '../../src/telemetry/sweep.ts';
import { violationsSchema } from '../../src/telemetry/violations.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { sumOf } from '../http/requests.ts';

/**
 * The live audit beside a table with many appointments, a million of them where LOCKSTEP_LONG=1. It prints
 * what it took; what is asserted is that no statement reached its bound of 1 s and that nothing was
 * missed.
 */
const appointments = process.env.LOCKSTEP_LONG === '1' ? 1_000_000 : 60_000;
const planted = ['777', String(appointments / 2), String(appointments - 1)];

const registry = await loadRegistry();
const { databaseUrl } = await scenarioDatabase(registry, violationsSchema.schemaSql);
const client = new pg.Client({ connectionString: databaseUrl });
const pool = createPool({ url: databaseUrl, connectionsMax: 2, lockTimeoutMs: 1_000 });
const scenarios = [...registry.scenarios.values()].filter(({ name }) => name === 'appointment');
const meter = new Meter('process', { runtime: false });
const options = { pool, scenarios, meter, log: pino({ level: 'silent' }) };
afterAll(() => Promise.all([client.end(), pool.end()]));

beforeAll(async () => {
  await client.connect();
  await client.query('set session_replication_role = replica'); // no foreign keys are checked
  await client.query(
    `insert into appointment_requests (client, therapists_needed)
     select 'a client', 1 from generate_series(1, $1::integer)`,
    [appointments],
  );
  await client.query(
    `insert into appointment_offers (request_id, therapist_id, status)
     select request, therapist, case therapist when 1 then 'accepted' else 'expired' end
     from generate_series(1, $1::integer) as request, generate_series(1, 2) as therapist`,
    [appointments],
  );
  await client.query(
    `insert into appointments (request_id, offer_id, therapist_id, command_id)
     select request_id, id, therapist_id, gen_random_uuid()
     from appointment_offers where status = 'accepted'`,
  );
  await client.query(
    `insert into appointments (request_id, offer_id, therapist_id, command_id)
     select request_id, offer_id, 2, gen_random_uuid()
     from appointments where request_id = any ($1::bigint[])`,
    [planted],
  );
  await client.query('vacuum analyze');
});

const sum = async (name: string, labels = {}): Promise<number> =>
  sumOf(await pageOf([await meter.snapshot()]), name, labels);

test('recent keys are judged without a look at the others', async () => {
  const auditor = new Auditor(options);
  const took: number[] = [];
  for (let run = 0; run < 20; run += 1) {
    for (let key = 0; key < 250; key += 1)
      auditor.touched(
        'appointment',
        'row-lock',
        String(1 + ((run * 49_999 + key * 97) % (appointments - 1_000))),
      );
    const startMs = performance.now();
    await auditor.run();
    took.push(performance.now() - startMs);
  }
  print('recent check of 250 keys', took);
  expect(await sum('lockstep_audit_keys_total')).toBe(5_000);
  expect(await sum('lockstep_audit_failures_total')).toBe(0);
});

test('a lap over all of them finds what was planted, in slices within their bound', async () => {
  const sweep = new Sweep({ ...options, graceMs: 0 });
  const took: number[] = [];
  const startMs = performance.now();
  await until(
    'the lap ends',
    async () => {
      await client.query('update lockstep_sweeps set due_at = now()'); // without the pauses
      const sliceMs = performance.now();
      if (await sweep.run()) took.push(performance.now() - sliceMs);
      return (await sum('lockstep_audit_sweep_laps_total')) > 0;
    },
    1100_000,
  );
  await sweep.run();
  print(`a lap in ${took.length} slices, ${Math.round(performance.now() - startMs)} ms`, took);
  expect(await sum('lockstep_audit_sweep_keys_total')).toBe(appointments);
  expect(await sum('lockstep_audit_failures_total')).toBe(0);
  const { rows } = await client.query<{ key: string }>(
    "select key from lockstep_violations where kind = 'duplicate' order by id",
  );
  expect(rows.map(row => row.key)).toEqual(planted);
});

function print(what: string, took: readonly number[]): void {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(1);
  console.log(`${what}: median ${at(0.5)} ms, p90 ${at(0.9)} ms, longest ${at(1)} ms`);
}
