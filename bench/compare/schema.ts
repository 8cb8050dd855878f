/**
 * The raw data of a run: its plan, conditions and observations. Written once and never edited; every
 * table and page is a pure function of it.
 */
import { z } from 'zod';
import { exploredCell } from '../explore/schema.ts';
import { audit, conditions, prediction, serviceDelta } from '../lab/shapes.ts';

export const runFormat = 'lockstep run';
/** Raised by every change that an older reader would misread. */
export const runVersion = 3;

/** The detail of a command that got no answer. */
export const noAnswer = 'no answer';

const share = z.number().min(0).max(1);
const count = z.number().int().min(0);

const call = z.strictObject({
  /** Two calls of one actor on one key are a double tap. */
  actor: z.string(),
  /** Index of the service process that was addressed. */
  process: count,
  outcome: z.enum(['accepted', 'refused', 'busy', 'failed', 'unknown']),
  /** Reason of a refusal, code of a failure; empty when accepted. */
  detail: z.string(),
  attempts: count,
  /** From sending to the complete answer, on the load generator's clock. */
  ms: z.number(),
  /** The service worked on it while it worked on a command of another actor on the same key. */
  met: z.boolean(),
});

const round = z.strictObject({
  key: z.string(),
  capacity: count,
  /** From the release to the answer that used up the capacity; null if that never came. */
  decidedMs: z.number().nullable(),
  /** From the release to the last answer. */
  answeredMs: z.number(),
  /** Commands of two actors ran at the same time, in two processes where there are several. */
  overlapped: z.boolean(),
  /** Two actors were between deciding read and end of COMMIT at the same time: a working lock forbids it. */
  decidedTogether: z.boolean(),
  calls: z.array(call),
});

const phase = z.strictObject({
  rounds: z.array(round),
  seconds: z.number(),
  /** True if the time limit was reached before all planned keys were used. */
  cutShort: z.boolean(),
  service: serviceDelta,
  /** CPU cores used by the load generator. */
  generatorCores: z.number(),
});

/** A fresh command on each contested key (or a sample of them), after the audit. */
const asked = z.strictObject({
  /** Contested keys; `asked` of them got their command. */
  keys: count,
  asked: count,
  /** Of these: neither served nor kept out, such as failed, unknown, or a turn that was lost. */
  unanswered: count,
  /** Keys on which it was still told busy when every lease had passed. */
  stuck: z.array(z.string()),
});

/** What a block measures of each strategy, in this order. */
export const phaseNames = ['contested', 'alone', 'busy'] as const;
export type PhaseName = (typeof phaseNames)[number];

const cell = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  strategy: z.string(),
  /** The events in the cell that may void a claim. */
  events: z.array(z.string()),
  claimed: prediction,
  /** Judged like everything else, but without a cost: code that runs for the first time may be unsafe. */
  warmUp: z.array(phase),
  repetitions: z.array(
    z.strictObject({
      /** Many callers, one key. */
      contested: phase,
      /** One command in flight, a fresh key each: what the strategy itself costs. */
      alone: phase,
      /** Many keys with one caller each, several in flight. */
      busy: phase,
    }),
  ),
  /** Null if the run ended before it. */
  audit: z.strictObject({ warmUp: audit, contested: audit, alone: audit, busy: audit }).nullable(),
  /** Null if the run ended before it; absent in older runs, which asked nobody. */
  asked: asked.nullable().optional(),
});

const strategy = z.strictObject({
  name: z.string(),
  title: z.string(),
  /** `outside`: loaded from the user's file. */
  source: z.enum(['ours', 'outside']),
  /** True for the strategy without protection: the audit must see it fail. */
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
  /** Keys per strategy and repetition, with one command in flight. */
  aloneKeys: count,
  /** Keys per strategy and repetition, with `inFlight` commands in flight. */
  busyKeys: count,
  inFlight: count,
  warmUpRounds: count,
});

export const runSchema = z.strictObject({
  format: z.literal(runFormat),
  version: z.literal(runVersion),
  end: z.enum(['complete', 'interrupted', 'broken off']),
  incomplete: z.boolean(),
  /** The error that aborted the run; empty if none did. */
  brokenOff: z.string(),
  startedAt: z.string(),
  seconds: z.number(),
  /** The command line that repeats it. */
  command: z.string(),
  plan,
  conditions,
  strategies: z.array(strategy),
  /** Strategies and scenarios left out, with the reason. */
  leftOut: z.array(z.strictObject({ name: z.string(), because: z.string() })),
  cells: z.array(cell),
  /** Empty in older runs, and if exploring was not requested. */
  explored: z.array(exploredCell).default([]),
});

/** How `run.json` is read. */
export const runFile = { format: runFormat, version: runVersion, shape: runSchema };

export type Run = z.infer<typeof runSchema>;
export type Cell = z.infer<typeof cell>;
export type Asked = z.infer<typeof asked>;
export type Phase = z.infer<typeof phase>;
export type Round = z.infer<typeof round>;
export type CallRecord = z.infer<typeof call>;
export type StrategyFacts = z.infer<typeof strategy>;
export type RunPlan = z.infer<typeof plan>;
export type Repetition = Cell['repetitions'][number];

/** Every phase of a cell, the warm-ups first. */
export function phasesIn({
  warmUp,
  repetitions,
}: {
  readonly warmUp: readonly Phase[];
  readonly repetitions: readonly Repetition[];
}): Phase[] {
  return [...warmUp, ...repetitions.flatMap(one => phaseNames.map(name => one[name]))];
}
