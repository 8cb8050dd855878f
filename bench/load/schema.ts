/**
 * The raw data of `load`: one file per cell, written when the cell is complete and never edited. The
 * plan is a separate file, so that missing cells can be detected.
 */
import { z } from 'zod';
import { conditions, serviceDelta, usage } from '../lab/shapes.ts';

export const cellFormat = 'lockstep cell';
export const benchFormat = 'lockstep bench';
/** Raised by every change that an older reader would misread. */
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

/** Written by k6's `handleSummary`. */
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
  held: count.optional(), // older runs did not count them
  broken: z.array(z.string()),
});

/** A cell without its repetition: cells with equal plans are repetitions. */
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
  /** Added to every round trip to Postgres. */
  latencyMs: z.number(),
  synchronousCommit: z.boolean(),
  /** Null: the service's default, with leases extended while held. */
  leaseMs: z.number().nullable(),
  /** The axis of the sweep; empty outside sweeps. */
  axis: z.string(),
});

const meetings = z.strictObject({
  keys: count,
  keysTested: count,
  keysDecidedTogether: count,
  commands: count,
  commandsMet: count,
});

export const cellResult = z.strictObject({
  format: z.literal(cellFormat),
  version: z.literal(benchVersion),
  id: z.string(),
  plan: cellPlan,
  repetition: z.number(),
  startedAt: z.string(),
  /** Why there is no result; empty if there is one. */
  problem: z.string(),
  k6: k6Summary.nullable(),
  /** The service's own metrics: during the load, and over the whole k6 run. */
  service: z.strictObject({ load: serviceDelta.nullable(), whole: serviceDelta }).nullable(),
  usage: usage.nullable(),
  /** Null where the service kept no history, or lost a part of it; older runs have none. */
  meetings: meetings.nullable().default(null),
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
  /** Null for a remote service, whose conditions are unknown. */
  conditions: conditions.nullable(),
  k6: z.string(),
  /** The address of the remote service, or null. */
  remote: z.string().nullable(),
  cells: z.array(z.strictObject({ id: z.string(), repetition: z.number(), plan: cellPlan })),
  /** Cells not offered because the scenario lacks the wording, with the reason. */
  notOffered: z.array(z.strictObject({ cell: z.string(), because: z.string() })),
});

/** How the files of a run are read. */
export const planFile = { format: benchFormat, version: benchVersion, shape: benchPlan };
export const cellFile = { format: cellFormat, version: benchVersion, shape: cellResult };

export type K6Summary = z.infer<typeof k6Summary>;
export type CellPlan = z.infer<typeof cellPlan>;
export type CellResult = z.infer<typeof cellResult>;
export type BenchPlan = z.infer<typeof benchPlan>;
