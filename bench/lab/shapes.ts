/**
 * Shapes that results of several instruments have in common. Raw data is written once and never edited:
 * a change here that an older reader would misread raises the version of every format that uses it.
 */
import { z } from 'zod';
import { violationKinds } from '../../src/contract/index.ts';

const count = z.number().int().min(0);
const amount = z.number().min(0);
const counts = z.record(z.string(), z.number());

const histogram = z.strictObject({
  bounds: z.array(z.number()).readonly(),
  counts: z.array(z.number()).readonly(),
  sum: z.number(),
  count: z.number(),
});

/** Differences of the service's own metrics over one phase. Durations in seconds. */
export const serviceDelta = z.strictObject({
  /** Command durations by outcome, arrival to outcome, all attempts inside. */
  commands: z.record(z.string(), histogram),
  /** Attempt durations by phase: pool, wait, hold, commit. */
  phases: z.record(z.string(), histogram),
  attempts: z.number(),
  /** Attempts that followed one which had sent something outside the database. */
  retriesAfterEffect: z.number().default(0), // not in runs before it was counted
  /** Attempts that failed, by code of the failure table. */
  failures: counts,
  /** How turns ended: released, already gone, lost, unknown. */
  releases: counts,
  leasesLost: z.number(),
});

const violation = z.strictObject({
  key: z.string(),
  kind: z.enum(violationKinds),
  excess: z.number(),
  detail: z.string(),
});

export const audit = z.strictObject({
  /** False where transactions were still open after the bounded wait. */
  settled: z.boolean(),
  keys: count,
  acknowledged: count,
  refusedKeys: count,
  /** How many rows the audit returned; more than are kept here only where `violations` is full. */
  findings: count,
  violations: z.array(violation),
});

export const prediction = z.strictObject({
  verdict: z.enum(['safe', 'unsafe', 'no claim', 'not offered']),
  because: z.string(),
});

const server = z.strictObject({
  product: z.string(),
  version: z.string(),
  origin: z.string(),
  settings: z.record(z.string(), z.string()),
});

export const conditions = z.strictObject({
  commit: z.string(),
  /** Whether files differed from the commit; null where that could not be told. */
  changed: z.boolean().nullable(),
  version: z.string(),
  node: z.string(),
  packages: z.record(z.string(), z.string()),
  machine: z.strictObject({
    system: z.string(),
    processor: z.string(),
    cores: count,
    memoryGiB: z.number(),
  }),
  postgres: server,
  redis: server,
  redisNodes: z.array(server),
  /** How the service was configured. */
  service: z.record(z.string(), z.string()),
});

/** What the load cost, between two looks inside the load; null where it cannot be known here. */
export const usage = z.strictObject({
  seconds: z.number(),
  accepted: amount,
  /** Processor seconds. */
  cpu: z.strictObject({
    service: z.number().nullable(),
    postgres: z.number().nullable(),
    redis: z.number().nullable(),
    k6: z.number().nullable(),
    bench: z.number(),
  }),
  statements: amount.nullable(),
  redisCommands: amount.nullable(),
  walBytes: amount.nullable(),
  /** The most that were seen open. */
  connections: amount.nullable(),
  /** The largest p99 of any look, mean over the processes; seconds. */
  eventLoopLagSeconds: z.number().nullable(),
});

/** What callers were told; the audit holds it against the database. */
export interface Claims {
  readonly keys: readonly string[];
  /** Accepted commands. */
  readonly acknowledged: readonly { readonly key: string; readonly commandId: string }[];
  /** Commands that were told that nothing happened: busy, failed or refused. */
  readonly denied: readonly { readonly key: string; readonly commandId: string }[];
  /** Keys where somebody who got nothing was told that there is nothing left. */
  readonly refusedKeys: readonly string[];
}

export type ServiceDelta = z.infer<typeof serviceDelta>;
export type Audit = z.infer<typeof audit>;
export type AuditRow = z.infer<typeof violation>;
export type Conditions = z.infer<typeof conditions>;
export type Usage = z.infer<typeof usage>;
