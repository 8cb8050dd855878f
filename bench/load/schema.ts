/**
 * The raw data of `bench`: one file per cell, written when the cell has ended and never edited. What
 * was planned stands in a file of its own, so that a missing cell is seen to be missing.
 */
import { z } from 'zod';
import { conditions, serviceDelta, usage } from '../lab/shapes.ts';

export const cellFormat = 'lockstep cell';
export const benchFormat = 'lockstep bench';
/** Raised with every change that an older reader would misread. */
export const benchVersion = 1;

const count = z.number().min(0);

const points = z.strictObject({
  count,
  mean: z.number(),
  min: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
});

/** What k6's `handleSummary` wrote. */
export const k6Summary = z.strictObject({
  format: z.literal('lockstep k6'),
  version: z.literal(1),
  scenario: z.string(),
  strategy: z.string(),
  workload: z.string(),
  model: z.enum(['open', 'closed', 'burst']),
  spread: z.string(),
  seed: z.number(),
  seconds: z.number(),
  startedAtMs: z.number(),
  lastAnswerMs: z.number(),
  offered: count,
  dropped: count,
  counts: z.record(z.string(), count),
  trends: z.record(z.string(), points.nullable()),
  jain: z.number().nullable(),
  audited: z.boolean(),
  broken: z.array(z.string()),
});

/** What a cell is, without its repetition: cells that are the same in this are repetitions. */
export const cellPlan = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  strategy: z.string(),
  workload: z.string(),
  spread: z.enum(['hot', 'zipf', 'uniform']),
  processes: count,
  vus: count,
  keys: count,
  commandsPerKey: count,
  /** Added to every exchange with Postgres. */
  latencyMs: z.number(),
  synchronousCommit: z.boolean(),
  /** Null: as the service usually has it, extended while it is held. */
  leaseMs: z.number().nullable(),
  /** The axis on which the cell is a point; empty outside sweeps. */
  axis: z.string(),
});

export const cellResult = z.strictObject({
  format: z.literal(cellFormat),
  version: z.literal(benchVersion),
  id: z.string(),
  plan: cellPlan,
  repetition: z.number(),
  startedAt: z.string(),
  /** Why there is no result; empty where there is one. */
  problem: z.string(),
  k6: k6Summary.nullable(),
  /** Of the service's own metrics: inside the load, and over the whole run of k6. */
  service: z.strictObject({ load: serviceDelta.nullable(), whole: serviceDelta }).nullable(),
  usage: usage.nullable(),
});

export const benchPlan = z.strictObject({
  format: z.literal(benchFormat),
  version: z.literal(benchVersion),
  startedAt: z.string(),
  command: z.string(),
  seed: z.number(),
  repetitions: z.number(),
  workload: z.strictObject({
    ratePerSecond: z.number(),
    iterations: z.number(),
    durationSeconds: z.number().nullable(),
    warmUpSeconds: z.number(),
    bystandersPerSecond: z.number(),
  }),
  /** Undefined in a remote run: whoever runs the service knows. */
  conditions: conditions.nullable(),
  k6: z.string(),
  /** The address of a service elsewhere, or null. */
  remote: z.string().nullable(),
  cells: z.array(z.strictObject({ id: z.string(), repetition: z.number(), plan: cellPlan })),
  /** Strategies that the scenario has no wording for, with the reason. */
  notOffered: z.array(z.strictObject({ cell: z.string(), because: z.string() })),
});

export type K6Summary = z.infer<typeof k6Summary>;
export type CellPlan = z.infer<typeof cellPlan>;
export type CellResult = z.infer<typeof cellResult>;
export type BenchPlan = z.infer<typeof benchPlan>;
