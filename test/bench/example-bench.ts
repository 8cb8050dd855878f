import { readBenchOptions } from '../../bench/load/options.ts';
import { planOf } from '../../bench/load/plan.ts';
import type { BenchPlan, CellResult } from '../../bench/load/schema.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

const registry = await loadRegistry([]);
const options = readBenchOptions(['--strategy', 'row-lock', '--repetitions', '2', '--seed', '7']);

const plan: BenchPlan = {
  format: 'lockstep bench',
  version: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  command: 'npm run load',
  seed: 7,
  repetitions: 2,
  workload: {
    ratePerSecond: 100,
    iterations: 20,
    durationSeconds: null,
    warmUpSeconds: 3,
    bystandersPerSecond: 0,
  },
  conditions: null,
  k6: '1.8.1',
  remote: null,
  ...planOf(registry, options),
};

const result = (strategy: string, repetition: number, counts: Record<string, number>): CellResult =>
  cellOf(`appointment.${strategy}.average.hot.r${repetition}`, counts);

/** A bench as it lies on disk: a strategy that held and the control that did not, twice each. */
export const exampleBench = {
  plan,
  result,
  cells: [
    result('row-lock', 1, { accepted: 30, duplicates: 0 }),
    result('row-lock', 2, { accepted: 40, duplicates: 0 }),
    result('unprotected', 1, { accepted: 60, duplicates: 30, keys_violated: 18 }),
    result('unprotected', 2, { accepted: 60, duplicates: 40, keys_violated: 19 }),
  ],
} as const;

const wideNames = ['sequelize-row-lock', 'redis-lease-fenced-write', 'none'] as const;

/** Its names and figures are as long as they come. */
export const wideBench = {
  plan: { ...plan, cells: wideNames.flatMap(name => [1, 2, 3].map(n => wideCell(name, n))) },
  cells: wideNames.flatMap(name => [1, 2, 3].map(n => wideResult(name, n))),
};

function wideCell(strategy: string, repetition: number) {
  const like = cellOf('appointment.row-lock.average.hot.r1', {}).plan;
  const own = { ...like, strategy, workload: 'breakpoint', spread: 'uniform' } as const;
  return { id: `${strategy}.r${repetition}`, repetition, plan: own };
}

function wideResult(strategy: string, n: number): CellResult {
  const cell = wideCell(strategy, n);
  const wrong = strategy === 'none' ? { duplicates: 400 * n, keys_violated: 19 } : {};
  const like = cellOf('appointment.row-lock.average.hot.r1', { accepted: 1_000 * n, ...wrong });
  const ms = (times: number) => times * (1_000 + 100 * n);
  const points = {
    ...{ count: 20_000, mean: ms(1), min: ms(1), p50: ms(1) },
    ...{ p95: ms(2), p99: ms(3), p999: ms(4), max: ms(5) },
  };
  const histogram = { bounds: [1], counts: [0, 20_000], sum: 20 * ms(1), count: 20_000 };
  const delta = {
    commands: { accepted: histogram },
    phases: { hold: histogram },
    attempts: 20_000,
    effectsWithoutRecord: 0,
    failures: {},
    releases: strategy.startsWith('redis') ? { lost: 100 * n } : {},
    leasesLost: 0,
  };
  const trends = {
    ...{ accepted_ms: points, refused_ms: points, answered_ms: points },
    ...{ bystander_quiet_ms: points, bystander_beside_load_ms: points },
  };
  return {
    ...like,
    ...cell,
    k6: like.k6 && { ...like.k6, offered: 9_000 + n, dropped: 1_500, trends, jain: 0.9 },
    service: { load: delta, whole: delta },
    usage: {
      seconds: 10,
      accepted: 1_000,
      cpu: { service: 4 * n, postgres: 3 * n, redis: 2 * n, k6: n, bench: n },
      statements: 10_000 * n,
      redisCommands: 5_000 * n,
      walBytes: 1_000_000 * n,
      connections: 100 + n,
      eventLoopLagSeconds: 0.1 * n,
    },
  };
}

function cellOf(id: string, counts: Record<string, number>): CellResult {
  const cell = plan.cells.find(one => one.id === id);
  if (!cell) throw new Error(`the plan has no ${id}`);
  const points = { count: 10, mean: 2, min: 1, p50: 2, p95: 3, p99: 4, p999: 5, max: 6 };
  return {
    format: 'lockstep cell',
    version: 1,
    id,
    plan: cell.plan,
    repetition: cell.repetition,
    startedAt: plan.startedAt,
    problem: '',
    k6: {
      format: 'lockstep k6',
      version: 1,
      scenario: 'appointment',
      strategy: cell.plan.strategy,
      workload: 'average',
      model: 'open',
      spread: 'hot',
      seed: 7,
      seconds: 10,
      startedAtMs: 0,
      lastAnswerMs: 9_000,
      offered: 100,
      dropped: 0,
      counts: { answered: 100, attempts: 100, keys_audited: 20, ...counts },
      trends: { accepted_ms: points, refused_ms: null, answered_ms: points },
      jain: null,
      audited: true,
      broken: [],
    },
    service: null,
    usage: null,
    meetings: {
      keys: 20,
      keysTested: 20,
      keysDecidedTogether: 0,
      commands: 100,
      commandsMet: 90,
    },
  };
}
