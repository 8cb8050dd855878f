import pg from 'pg';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { createPool } from '../../src/store/postgres.ts';
import { Auditor, type AuditorOptions } from '../../src/telemetry/auditor.ts';
import { Meter, pageOf } from '../../src/telemetry/prometheus.ts';
import { RecentKeys } from '../../src/telemetry/recent-keys.ts';
import { violationsSchema } from '../../src/telemetry/violations.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { sumOf } from '../http/requests.ts';
import * as planted from './planted.ts';

const registry = await loadRegistry();
const { databaseUrl } = await scenarioDatabase(registry, violationsSchema.schemaSql);
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
const pools: pg.Pool[] = [];
afterAll(async () => {
  await Promise.all([client.end(), ...pools.map(pool => pool.end())]);
});

const scenario = 'appointment';
const log = pino({ level: 'silent' });

/** An auditor as one process has it. */
class Audited {
  readonly meter = new Meter('process', { runtime: false });
  readonly auditor: Auditor;

  constructor(options: Partial<AuditorOptions> = {}, url = databaseUrl) {
    const pool = createPool({ url, connectionsMax: 1, lockTimeoutMs: 1_000 });
    pools.push(pool);
    const scenarios = [...registry.scenarios.values()];
    this.auditor = new Auditor({ pool, scenarios, meter: this.meter, log, ...options });
  }

  async sum(name: string, labels: Record<string, string> = {}): Promise<number> {
    return sumOf(await pageOf([await this.meter.snapshot()]), name, labels);
  }
}

const plant = (appointments: number) => planted.plant(client, appointments);
const plantOneMore = (request: string, therapist: number) =>
  planted.plantOneMore(client, request, therapist);

async function sumOver(all: readonly Audited[], labels: Record<string, string>): Promise<number> {
  const sums = await Promise.all(all.map(one => one.sum('lockstep_violations_total', labels)));
  return sums.reduce((sum, one) => sum + one, 0);
}

describe('the live audit', () => {
  it('counts a planted duplicate once over four processes and a restart', async () => {
    const key = await plant(2);
    const processes = [1, 2, 3, 4].map(() => new Audited());
    for (const { auditor } of processes) auditor.touched(scenario, 'row-lock', key);
    await Promise.all(processes.map(({ auditor }) => auditor.run()));
    const labels = { scenario, strategy: 'row-lock', kind: 'duplicate' };
    expect(await sumOver(processes, labels)).toBe(1);
    const restarted = new Audited();
    restarted.auditor.touched(scenario, 'row-lock', key);
    await restarted.auditor.run();
    expect(await sumOver([restarted], {})).toBe(0);
    expect(await restarted.sum('lockstep_audit_keys_total')).toBe(1);
  });

  it('counts the growth of a violation that is known', async () => {
    const key = await plant(3);
    const one = new Audited();
    one.auditor.touched(scenario, 'unprotected', key);
    await one.auditor.run();
    expect(await sumOver([one], { kind: 'duplicate' })).toBe(2);
    await plantOneMore(key, 77);
    one.auditor.touched(scenario, 'unprotected', key);
    await one.auditor.run();
    expect(await sumOver([one], { kind: 'duplicate' })).toBe(3);
    const { rows } = await client.query(
      `select kind, count(*)::integer as units, min(detail) as detail, min(strategy) as strategy
       from lockstep_violations where key = $1 group by kind`,
      [key],
    );
    expect(rows).toEqual([
      {
        kind: 'duplicate',
        units: 3,
        detail: '3 appointments, but only 1 therapist is needed',
        strategy: 'unprotected',
      },
    ]);
  });

  it('counts each lost update of a card that is known to have lost one', async () => {
    const card = await planted.plantCard(client, 1_000);
    const one = new Audited();
    const lost = { scenario: 'gift-card', kind: 'lost update' };
    for (const [times, amount] of [100, 100, 30].entries()) {
      await planted.plantLostDebit(client, card, amount);
      one.auditor.touched('gift-card', 'unprotected', card);
      await one.auditor.run();
      expect(await sumOver([one], lost)).toBe(times + 1);
    }
  });

  it('counts a command that took effect twice though there was room', async () => {
    const card = await planted.plantCard(client, 1_000);
    await planted.plantTwice(client, card, 100);
    const one = new Audited();
    one.auditor.touched('gift-card', 'row-lock', card);
    await one.auditor.run();
    expect(await sumOver([one], {})).toBe(1);
    expect(await sumOver([one], { strategy: 'row-lock', kind: 'duplicate' })).toBe(1);
  });

  it('labels a key on which several strategies accepted as mixed', async () => {
    const key = await plant(2);
    const one = new Audited();
    for (const strategy of ['row-lock', 'unprotected', 'row-lock'])
      one.auditor.touched(scenario, strategy, key);
    await one.auditor.run();
    expect(await sumOver([one], { strategy: 'mixed', kind: 'duplicate' })).toBe(1);
  });

  it('finds nothing where nothing is wrong, and judges each key once', async () => {
    const one = new Audited();
    one.auditor.touched(scenario, 'row-lock', await plant(1));
    await one.auditor.run();
    await one.auditor.run();
    expect(await sumOver([one], {})).toBe(0);
    expect(await one.sum('lockstep_audit_keys_total')).toBe(1);
    expect(await one.sum('lockstep_audit_duration_seconds_count')).toBe(2);
  });

  it('takes many keys in slices, and at its end what is left', async () => {
    const keys = [await plant(2), await plant(2), await plant(2)];
    const one = new Audited({ keysPerAuditMax: 1 });
    for (const key of keys) one.auditor.touched(scenario, 'unprotected', key);
    await one.auditor.run();
    expect(one.auditor.backlog).toBe(2);
    await one.auditor.stop();
    expect(one.auditor.backlog).toBe(0);
    expect(await sumOver([one], { kind: 'duplicate' })).toBe(3);
  });

  it('skips while Postgres is away, keeps the keys, and goes on by itself', async () => {
    const proxy = await TcpProxy.open(databaseUrl);
    const one = new Audited({ everyMs: 20 }, proxy.url);
    await proxy.close();
    one.auditor.touched(scenario, 'unprotected', await plant(2));
    one.auditor.start();
    await until('it fails', async () => (await one.sum('lockstep_audit_failures_total')) > 1);
    expect(one.auditor.backlog).toBe(1);
    const again = await TcpProxy.open(databaseUrl, Number(new URL(proxy.url).port));
    await until('it counts', async () => (await sumOver([one], { kind: 'duplicate' })) === 1);
    expect(one.auditor.backlog).toBe(0);
    await one.auditor.stop();
    await again.close();
  });
});

describe('the second look at a sample of refusals', () => {
  it('tells where there was room after all, and is no violation', async () => {
    const [open, full] = [await plant(0), await plant(1)];
    const one = new Audited();
    one.auditor.refused(scenario, 'row-lock', open, 'full');
    one.auditor.refused(scenario, 'row-lock', full, 'full');
    one.auditor.refused(scenario, 'row-lock', await plant(0), 'already has it');
    await one.auditor.run();
    expect(await one.sum('lockstep_refusals_sampled_total')).toBe(0); // the holder may still roll back
    await one.auditor.run();
    expect(await one.sum('lockstep_refusals_sampled_total')).toBe(2);
    expect(await one.sum('lockstep_refused_with_capacity_total')).toBe(1);
    expect(await sumOver([one], {})).toBe(0);
  });
});

describe('recent keys', () => {
  it('are bounded, and the oldest goes first', () => {
    const recent = new RecentKeys(3);
    const dropped = ['a', 'b', 'c', 'a', 'd', 'e'].map(key => recent.add(key, 'x'));
    expect(dropped).toEqual([0, 0, 0, 0, 1, 1]);
    expect([...recent.take(2).keys()]).toEqual(['c', 'd']);
    expect(recent.size).toBe(1);
  });
});
