import { afterAll, describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { Fleet, type FleetOptions, fleetSchema, type Pair } from '../../src/rollout/fleet.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createPool } from '../../src/store/postgres.ts';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';

const registry = await loadRegistry();
const { url } = await freshDatabase();
await migrate(url, [fleetSchema]);
const pool = createPool({ url, connectionsMax: 2, lockTimeoutMs: 1_000 });
const errors: unknown[] = [];
afterAll(() => pool.end());

const named = (name: string) => {
  const found = strategyNamed(registry, name);
  return 'strategy' in found ? found.strategy : undefined;
};

function process(name: string, more: Partial<FleetOptions> = {}): Fleet {
  const strategy = named(name);
  if (!strategy) throw new Error(`there is no strategy '${name}'`);
  return new Fleet({
    strategy,
    runSql: async (text, values) => (await pool.query(text, [...values])).rows,
    find: named,
    met: () => {},
    onError: error => errors.push(error),
    ...more,
  });
}

describe('a fleet', () => {
  test('a process learns at its start whom it meets, and the others with their next beat', async () => {
    let met: readonly Pair[] = [];
    const first = process('row-lock', {
      everyMs: 50,
      met: pairs => {
        met = pairs.length > 0 ? pairs : met;
      },
    });
    await first.start();
    expect(first.pairs).toEqual([]);
    const same = process('row-lock');
    await same.start();
    expect(same.pairs).toEqual([]);
    const other = process('redis-lease');
    await other.start();
    expect(other.pairs).toEqual([['redis-lease', 'row-lock']]);
    await until('the first has met it', () => met.length > 0);
    expect(met).toEqual([['redis-lease', 'row-lock']]);
    await other.stop();
    const late = process('row-lock');
    await late.start();
    expect(late.pairs).toEqual([]);
    await Promise.all([first, same, late].map(one => one.stop()));
    expect((await pool.query('select from lockstep_processes')).rowCount).toBe(0);
    expect(errors).toEqual([]);
  });

  test('through the middle nobody meets whom it does not exclude', async () => {
    const fleet = ['row-lock', 'both:row-lock+redis-lease'].map(name => process(name));
    for (const one of fleet) await one.start();
    expect(fleet[1]?.pairs).toEqual([]);
    await Promise.all(fleet.map(one => one.stop()));
  });

  test('a strategy that is not known here is not known to exclude anyone', async () => {
    await pool.query("insert into lockstep_processes values (gen_random_uuid(), 'their-lock')");
    const one = process('row-lock');
    await one.start();
    expect(one.pairs).toEqual([['row-lock', 'their-lock']]);
    await pool.query(
      "update lockstep_processes set seen_at = now() - interval '21 s' where strategy = 'their-lock'",
    );
    const later = process('row-lock');
    await later.start();
    expect(later.pairs).toEqual([]);
    await Promise.all([one.stop(), later.stop()]);
    await pool.query("update lockstep_processes set seen_at = now() - interval '2 h'");
    const last = process('row-lock');
    await last.start();
    expect((await pool.query('select from lockstep_processes')).rowCount).toBe(1);
    await last.stop();
  });

  test('a beat that fails is told, and does not stop the process', async () => {
    const failed: unknown[] = [];
    const one = process('row-lock', {
      runSql: () => Promise.reject(new Error('away')),
      onError: error => failed.push(error),
    });
    await one.start();
    expect(one.pairs).toEqual([]);
    expect(failed.length).toBeGreaterThan(0);
    await one.stop();
  });
});
