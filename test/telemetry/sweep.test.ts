import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { createPool } from '../../src/store/postgres.ts';
import { Auditor } from '../../src/telemetry/auditor.ts';
import { Meter, pageOf } from '../../src/telemetry/prometheus.ts';
import { Sweep, type SweepOptions } from '../../src/telemetry/sweep.ts';
import { violationsSchema } from '../../src/telemetry/violations.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { sumOf } from '../http/requests.ts';
import { plant } from './planted.ts';

const registry = await loadRegistry();
const { databaseUrl } = await scenarioDatabase(registry, violationsSchema.schemaSql);
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
const pool = createPool({ url: databaseUrl, connectionsMax: 8, lockTimeoutMs: 1_000 });
afterAll(() => Promise.all([client.end(), pool.end()]));
beforeEach(async () => {
  await client.query('truncate lockstep_sweeps, lockstep_violations, appointment_requests cascade');
});

const log = pino({ level: 'silent' });
const appointment = [...registry.scenarios.values()].filter(({ name }) => name === 'appointment');

class SweptScenario {
  readonly meter = new Meter('process', { runtime: false });
  readonly sweep: Sweep;

  constructor(options: Partial<SweepOptions> = {}) {
    const { meter } = this;
    this.sweep = new Sweep({ pool, scenarios: appointment, meter, log, graceMs: 0, ...options });
  }

  async sum(name: string): Promise<number> {
    return sumOf(await pageOf([await this.meter.snapshot()]), name);
  }

  /** Runs what is due, until nothing is. */
  async lap(): Promise<void> {
    await until('the lap ends', async () => {
      await this.sweep.run();
      return (await this.sum('lockstep_audit_sweep_laps_total')) > 0;
    });
    await this.sweep.run();
  }
}

const duplicates = 'lockstep_violations_total';

describe('the sweep', () => {
  it('finds what nobody has told it of, once, in as many slices as it takes', async () => {
    await plant(client, 1);
    await plant(client, 3);
    await plant(client, 1);
    const one = new SweptScenario({ keysPerSlice: 1 });
    await one.lap();
    expect(await one.sum('lockstep_audit_sweep_keys_total')).toBe(3);
    expect(await one.sum('lockstep_audit_sweep_slice_duration_seconds_count')).toBe(4);
    expect(await one.sum(duplicates)).toBe(2);
    await client.query('update lockstep_sweeps set due_at = now()');
    const again = new SweptScenario();
    await again.lap();
    expect(await again.sum('lockstep_audit_sweep_keys_total')).toBe(3);
    expect(await again.sum(duplicates)).toBe(0);
  });

  it('goes on where the last one ended after a restart', async () => {
    for (let keys = 0; keys < 3; keys += 1) await plant(client, 1);
    const first = new SweptScenario({ keysPerSlice: 2 });
    expect(await first.sweep.run()).toBe(true);
    const second = new SweptScenario({ keysPerSlice: 2 });
    await second.lap();
    expect(await first.sum('lockstep_audit_sweep_keys_total')).toBe(2);
    expect(await second.sum('lockstep_audit_sweep_keys_total')).toBe(1);
  });

  it('shares the slices with every other process', async () => {
    for (let keys = 0; keys < 6; keys += 1) await plant(client, 2);
    const processes = [1, 2, 3, 4].map(() => new SweptScenario({ keysPerSlice: 1 }));
    const swept = async () => {
      const sums = processes.map(one => one.sum('lockstep_audit_sweep_keys_total'));
      return (await Promise.all(sums)).reduce((sum, one) => sum + one, 0);
    };
    await until('all are swept', async () => {
      await Promise.all(processes.map(one => one.sweep.run()));
      return (await swept()) >= 6;
    });
    await until('each has looked again', async () => {
      await Promise.all(processes.map(one => one.sweep.run()));
      const { rows } = await client.query('select from lockstep_violations');
      return rows.length >= 6;
    });
    expect(await swept()).toBe(6);
    const found = await Promise.all(processes.map(one => one.sum(duplicates)));
    expect(found.reduce((sum, one) => sum + one, 0)).toBe(6);
  });

  it('leaves what was just committed to the audit that knows the strategy', async () => {
    const key = await plant(client, 2);
    const one = new SweptScenario({ graceMs: 60_000 });
    await one.lap();
    expect(await one.sum(duplicates)).toBe(0);
    const auditor = new Auditor({ pool, scenarios: appointment, meter: one.meter, log });
    auditor.touched('appointment', 'unprotected', key);
    await auditor.run();
    const page = await pageOf([await one.meter.snapshot()]);
    expect(sumOf(page, duplicates, { strategy: 'unprotected', kind: 'duplicate' })).toBe(1);
  });

  it('tells when the last lap ended, also one that another process made', async () => {
    await new SweptScenario().lap();
    const { rows } = await client.query<{ seconds: number }>(
      'select extract(epoch from lap_ended_at)::float8 as seconds from lockstep_sweeps',
    );
    const restarted = new SweptScenario();
    await restarted.sweep.run();
    const told = await restarted.sum('lockstep_audit_sweep_last_lap_timestamp_seconds');
    expect(told).toBeCloseTo(rows[0]?.seconds ?? 0, 3);
  });

  it.each([...registry.scenarios.values()].map(scenario => [scenario.name, scenario] as const))(
    'pages through the keys of %s, and each is one that its audit takes',
    async (_, scenario) => {
      await client.query('begin');
      const query = async <R>(statement: { text: string }, values: readonly unknown[]) =>
        (await client.query<R & object>(statement.text, [...values])).rows;
      const plan = { rounds: 3, rivals: 2, doubleTapShare: 0, random: () => 0.3 };
      const rounds = await scenario.registered.load(plan, query);
      const pages: string[] = [];
      for (let after = '0', page = [after]; page.length > 0; after = page.at(-1) ?? '') {
        page = (await query<{ id: string }>({ text: scenario.auditKeysSql }, [after, 2])).map(
          row => row.id,
        );
        pages.push(...page);
        if (page.length < 2) break;
      }
      expect(pages).toEqual(expect.arrayContaining(rounds.map(round => round.key)));
      expect(new Set(pages).size).toBe(pages.length);
      expect(await query({ text: scenario.auditSql }, [pages, [], [], []])).toEqual([]);
      await client.query('rollback');
    },
  );
});
