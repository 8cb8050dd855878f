import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newCommandId } from '../../src/engine/command-id.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { Deciders } from '../../src/telemetry/deciders.ts';
import type { RunSql } from '../../src/telemetry/findings.ts';
import { contend } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
let open: OpenEngine;
let runSql: RunSql;
// ids that are the same in two tables by chance would hide a join on the wrong column
const ownIds = `
  select setval(
    format('%I.%I', schemaname, sequencename)::regclass, 1000 * row_number() over (order by sequencename)
  ) from pg_sequences`;

beforeAll(async () => {
  open = openEngine(urls);
  await open.backends.locks.query(ownIds);
  runSql = async <R extends object>(text: string, values: readonly unknown[]) =>
    (await open.backends.locks.query<R>(text, [...values])).rows;
});
afterAll(() => open.close());

const rowLock = registry.strategies.get('row-lock');
if (!rowLock) throw new Error("there is no strategy 'row-lock'");

describe('the rows name the commands that decided a key', () => {
  for (const scenario of registry.scenarios.values())
    for (const variant of Object.keys(scenario.registered.variants))
      test(`${scenario.name}/${variant}`, async () => {
        const load = { engines: [open], rounds: 3, rivals: 2, againMax: 200 };
        const told = await contend({ scenario, variant, strategy: rowLock, ...load });
        const accepted = told.filter(({ kind }) => kind === 'accepted');
        expect(accepted.length).toBeGreaterThan(0);
        const keys = [...new Set(told.map(({ key }) => key))];
        const rows = await runSql<{ key: string; command_id: string }>(scenario.decidersSql, [
          keys,
          64,
        ]);
        const pairs = new Set(rows.map(({ key, command_id }) => `${key} ${command_id}`));
        expect(pairs).toEqual(new Set(accepted.map(one => `${one.key} ${one.commandId}`)));
        const [first = ''] = keys;
        const newest = await runSql(scenario.decidersSql, [[first], 0]);
        expect(newest).toEqual([]);
      });
});

describe('who decided a key', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const deciders = new Deciders(['row-lock', 'redis-lease']);
  const minuteMs = 60_000;

  test.each([
    ['one strategy', ['row-lock', 0, 'row-lock', 1], 'row-lock'],
    ['two at the same time', ['row-lock', 0, 'redis-lease', 1], 'mixed'],
    ['one that is known elsewhere', ['their-lock', 0], 'unknown'],
    ['one that took over long ago', ['row-lock', 0, 'redis-lease', 3 * minuteMs], 'redis-lease'],
    ['one that took over just now', ['row-lock', 0, 'redis-lease', minuteMs], 'mixed'],
  ] as const)('%s', (_, written, expected) => {
    const ids: string[] = [];
    for (let at = 0; at < written.length; at += 2)
      ids.push(newCommandId(String(written[at]), nowMs + Number(written[at + 1])));
    expect(deciders.strategyOf(ids)).toBe(expected);
    expect(deciders.strategyOf(ids.toReversed())).toBe(expected);
  });

  test('nobody knows of rows that others wrote', () => {
    expect(deciders.strategyOf(['f81d4fae-7dec-41d0-a765-00a0c91e6bf6'])).toBeUndefined();
    expect(deciders.strategyOf([])).toBeUndefined();
  });
});
