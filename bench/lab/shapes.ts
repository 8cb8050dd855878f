/**
 * Shapes shared by the results of several instruments. Raw data is written once and never edited: a
 * change here that an older reader would misread raises the version of every format that uses it.
 */
import { z } from 'zod';
import { predictionReasons, predictionVerdicts, violationKinds } from '../../src/contract/index.ts';

const count = z.number().int().min(0);
const amount = z.number().min(0);
const counts = z.record(z.string(), z.number());

const histogram = z.strictObject({
  bounds: z.array(z.number()).readonly(),
  counts: z.array(z.number()).readonly(),
  sum: z.number(),
  count: z.number(),
});

/** The change in the service's own metrics over one phase. Durations in seconds. */
export const serviceDelta = z.strictObject({
  /** Command durations by outcome, from arrival to outcome, including all attempts. */
  commands: z.record(z.string(), histogram),
  /** Attempt durations by phase: pool, wait, hold, commit. */
  phases: z.record(z.string(), histogram),
  attempts: z.number(),
  /** Attempts after an earlier one had sent something outside the database: older runs made them. */
  retriesAfterEffect: z.number().optional(),
  /** Commands that sent something outside the database and did not commit. */
  effectsWithoutRecord: z.number().default(0), // older runs did not count them
  /** Failed attempts, by code of the failure table. */
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
  /** False if transactions were still open after the bounded wait. */
  settled: z.boolean(),
  keys: count,
  acknowledged: count,
  refusedKeys: count,
  /** Number of rows the audit returned; more than `violations` has only if that is full. */
  findings: count,
  violations: z.array(violation),
});

export const prediction = z.strictObject({
  verdict: z.enum(predictionVerdicts),
  /** Absent in older results. */
  reason: z.enum(predictionReasons).optional(),
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
  /** Whether files differed from the commit; null if unknown. */
  changed: z.boolean().nullable(),
  /** Hash of the files that ran, committed or not; absent in older results. */
  code: z.string().optional(),
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

/** Resources used between two samples in the load; null where they cannot be measured. */
export const usage = z.strictObject({
  seconds: z.number(),
  accepted: amount,
  /** CPU seconds. */
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
  /** Largest number seen open. */
  connections: amount.nullable(),
  /** Largest p99 of any sample, mean over the processes; seconds. */
  eventLoopLagSeconds: z.number().nullable(),
});

/** What callers were told; the audit compares it with the database. */
export interface Claims {
  readonly keys: readonly string[];
  /** Accepted commands. */
  readonly acknowledged: readonly { readonly key: string; readonly commandId: string }[];
  /** Commands whose callers were told that nothing happened: busy, failed or refused. */
  readonly denied: readonly { readonly key: string; readonly commandId: string }[];
  /** Keys where a caller who got nothing was told that nothing is left, or what its `Call` names. */
  readonly refusedKeys: readonly string[];
}

export type ServiceDelta = z.infer<typeof serviceDelta>;
export type Audit = z.infer<typeof audit>;
export type AuditRow = z.infer<typeof violation>;
/** A prediction as results keep it. */
export type Claim = z.infer<typeof prediction>;
export type Conditions = z.infer<typeof conditions>;
export type Usage = z.infer<typeof usage>;
