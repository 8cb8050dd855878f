/**
 * The raw data of a run: what was asked, under which conditions, and what was seen. Written once and
 * never edited; every table and page is a pure function of it.
 */
import { z } from 'zod';

export const runFormat = 'lockstep run';
/** Raised with every change that an older reader would misread. */
export const runVersion = 2;

/** The detail of a command whose answer did not come. */
export const noAnswer = 'no answer';

const share = z.number().min(0).max(1);
const count = z.number().int().min(0);
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

const call = z.strictObject({
  /** Two calls of one actor on one key are a double tap. */
  actor: z.string(),
  /** Index of the service process that was addressed. */
  process: count,
  outcome: z.enum(['accepted', 'refused', 'busy', 'failed', 'unknown']),
  /** Reason of a refusal, code of a failure; empty when accepted. */
  detail: z.string(),
  attempts: count,
  /** From the send to the complete answer, on the clock of the load generator. */
  ms: z.number(),
});

const round = z.strictObject({
  key: z.string(),
  capacity: count,
  /** From the release to the answer that filled the last place; null where that never came. */
  decidedMs: z.number().nullable(),
  /** From the release to the last answer. */
  answeredMs: z.number(),
  /** The service worked on commands of two actors at once, in two processes where there are several. */
  overlapped: z.boolean(),
  calls: z.array(call),
});

const phase = z.strictObject({
  rounds: z.array(round),
  seconds: z.number(),
  /** True where the time limit came before all planned keys were used. */
  cutShort: z.boolean(),
  service: serviceDelta,
  /** Processor cores that the load generator itself used. */
  generatorCores: z.number(),
});

const violation = z.strictObject({
  key: z.string(),
  kind: z.enum([
    'duplicate',
    'lost update',
    'lost acknowledgement',
    'false refusal',
    'inconsistent',
    'stuck',
  ]),
  excess: z.number(),
  detail: z.string(),
});

const audit = z.strictObject({
  /** False where transactions were still open after the bounded wait. */
  settled: z.boolean(),
  keys: count,
  acknowledged: count,
  refusedKeys: count,
  /** How many rows the audit returned; more than are kept here only where `violations` is full. */
  findings: count,
  violations: z.array(violation),
});

const prediction = z.strictObject({
  verdict: z.enum(['safe', 'unsafe', 'no claim', 'not offered']),
  because: z.string(),
});

const cell = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  strategy: z.string(),
  /** What happened in the cell, as far as it may void a claim. */
  events: z.array(z.string()),
  claimed: prediction,
  repetitions: z.array(z.strictObject({ contested: phase, uncontended: phase })),
  /** Null where the run ended before it. */
  audit: z.strictObject({ contested: audit, uncontended: audit }).nullable(),
});

const strategy = z.strictObject({
  name: z.string(),
  title: z.string(),
  /** `outside`: loaded from a file that is not ours. */
  source: z.enum(['ours', 'outside']),
  /** True for the strategy that protects nothing: the judge must be seen to fail it. */
  control: z.boolean(),
  wording: z.string(),
  isolation: z.string(),
  turns: z.array(z.strictObject({ heldBy: z.string(), until: z.string() })),
  guard: z.array(z.string()),
  hazard: z
    .strictObject({ why: z.string(), under: z.array(z.string()), cure: z.string() })
    .nullable(),
  adoption: z.strictObject({
    migration: z.string(),
    everyWriterMustTakePart: z.boolean(),
    newDependency: z.string().nullable(),
    poolerSafe: z.boolean(),
    retryNeeded: z.boolean(),
  }),
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

const plan = z.strictObject({
  /** In the order in which they ran. */
  scenarios: z.array(z.strictObject({ name: z.string(), variants: z.array(z.string()) })),
  /** Contested keys per strategy and repetition. */
  rounds: count,
  rivals: count,
  processes: count,
  repetitions: count,
  seed: count,
  doubleTapShare: share,
  /** Uncontended keys per strategy and repetition. */
  uncontendedKeys: count,
  inFlight: count,
  warmUpRounds: count,
});

/** Two callers of one key in every order of their requests within a bound. */
const exploredCell = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  /** The kind of round of the load that they are. Runs from before there were names knew plain ones. */
  round: z.string().default('plain'),
  /** One per caller. */
  strategies: z.array(z.string()).readonly(),
  outcome: z.enum([
    'safe',
    'unsafe',
    'inconclusive',
    'nondeterministic',
    'budget-stopped',
    'setup-failed',
    'independent',
    'internal-error',
    'not offered',
  ]),
  why: z.string(),
  orders: count,
  violating: count,
  /** Every order within the bound was visited. */
  exhausted: z.boolean(),
  bound: z.string(),
  seconds: z.number(),
  /** The orders apart by the event that happened in them; `none` comes without one. */
  parts: z
    .array(
      z.strictObject({
        event: z.string(),
        orders: count,
        violating: count,
        /** Violating orders in which an effect had been repeated, where that voids the claim. */
        excused: count.optional(),
        claimed: prediction.nullable(),
        agreement: z.enum(['as claimed', 'claim violated', 'not shown', 'nothing claimed']),
      }),
    )
    .readonly(),
  assumptions: z.array(z.string()).readonly(),
  /** Whether no protection at all was seen to fail in the same round and bound. Not in older runs. */
  control: z.strictObject({ seen: z.boolean(), why: z.string() }).optional(),
  /** The shortest order that violates. */
  counterexample: z.strictObject({ schedule: z.string(), timeline: z.string() }).nullable(),
});

export const runSchema = z.strictObject({
  format: z.literal(runFormat),
  version: z.literal(runVersion),
  end: z.enum(['complete', 'interrupted', 'broken off']),
  incomplete: z.boolean(),
  /** Why it broke off; empty when it did not. */
  brokenOff: z.string(),
  startedAt: z.string(),
  seconds: z.number(),
  /** The command line that repeats it. */
  command: z.string(),
  plan,
  conditions,
  strategies: z.array(strategy),
  /** Strategies that could not have shown here what is wrong with them. */
  leftOut: z.array(z.strictObject({ name: z.string(), because: z.string() })),
  cells: z.array(cell),
  /** Empty in runs from before there was exploring, and where it was not asked for. */
  explored: z.array(exploredCell).default([]),
});

export type Run = z.infer<typeof runSchema>;
export type Cell = z.infer<typeof cell>;
export type ExploredCell = z.infer<typeof exploredCell>;
export type Phase = z.infer<typeof phase>;
export type Round = z.infer<typeof round>;
export type CallRecord = z.infer<typeof call>;
export type ServiceDelta = z.infer<typeof serviceDelta>;
export type Audit = z.infer<typeof audit>;
export type AuditRow = z.infer<typeof violation>;
export type StrategyFacts = z.infer<typeof strategy>;
export type Conditions = z.infer<typeof conditions>;
export type RunPlan = z.infer<typeof plan>;
export type Repetition = Cell['repetitions'][number];
