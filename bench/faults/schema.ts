/** The raw data of a run: one cell per fault, phase and strategy. Written as the run goes, never edited. */
import { z } from 'zod';
import { audit, conditions, prediction } from '../lab/shapes.ts';
import { harms, struckAll } from './fault.ts';
import { phases } from './phases.ts';

export const faultsFormat = 'lockstep faults';
/** Raised by every change that an older reader would misread. */
export const faultsVersion = 1;

const count = z.number().int().min(0);
const ms = z.number();

/** A message on the wire; `atMs` on the clock of the cell. */
const wireLine = z.strictObject({
  atMs: ms,
  store: z.enum(['postgres', 'redis']),
  connection: z.string(),
  side: z.enum(['request', 'reply']),
  purpose: z.string(),
  text: z.string(),
  held: z.boolean(),
});

/** Counts of answers, all of them after the fault had struck. */
const answers = z.strictObject({
  accepted: count,
  refused: count,
  /** Told busy: somebody else had the lock. */
  busy: count,
  /** Certainly not done, for another reason: a store or a process could not be reached. */
  unavailable: count,
  unknown: count,
});

/** What the record and the database say together. */
const judged = z.strictObject({
  answers,
  /** Accepted commands over the whole cell. */
  acknowledged: count,
  /** Of these: not in the database. */
  lost: z.array(z.strictObject({ key: z.string(), commandId: z.string() })),
  /** How commands with an unknown end turned out. */
  unknown: z.strictObject({ tookEffect: count, hadNone: count }),
  /** Effects that no command explains which was accepted or whose end is unknown. */
  unexplained: count,
  /** Effects of commands whose callers had left; absent in older results, as the next. */
  forNobody: count.default(0),
  /** The struck command and its repetition both took effect. */
  twice: count.default(0),
  /** From the fault to the first answer that tells of it; null: nobody noticed. */
  detectMs: ms.nullable(),
  /** From the fault to the first decision on the struck key by somebody else; null: never. */
  takeOverMs: ms.nullable(),
  /** From the healing to the first decision of the struck process; null: never. */
  reconnectMs: ms.nullable(),
  /**
   * The longest time without an accepted command on other keys: before, and from the fault on. Before is
   * null where fewer than two were accepted by then; older results have 0 there.
   */
  gapMs: z.strictObject({
    before: ms.nullable().transform(before => (before === 0 ? null : before)),
    others: ms,
    struckProcess: ms,
  }),
  /** From the healing to the first accepted command on the struck key; null: never. */
  firstAcceptedMs: ms.nullable(),
  /** When everything had settled, nobody could get the struck key. */
  stuck: z.boolean(),
});

/** Accepted commands on other keys and their longest answer, per slice of time. */
const strip = z.strictObject({
  sliceMs: ms,
  accepted: z.array(count),
  failed: z.array(count),
  slowestMs: z.array(ms),
});

const cell = z.strictObject({
  fault: z.string(),
  phase: z.enum(phases),
  strategy: z.string(),
  /** It is here to be harmed: a hazard, or the strategy that protects nothing. */
  control: z.boolean(),
  claimed: prediction,
  /** How long its lock is expected to outlive its holder; null: the fault does not end the holder. */
  leftBehind: z.enum(['not at all', 'until the lease has passed', 'for good']).nullable(),
  /** Whether writers on other keys are to stand still while it lasts; null: it is no outage. */
  outage: z.enum(['expected', 'none']).nullable(),
  state: z.enum(['struck', 'phase not reached', 'not offered', 'skipped', 'broken off']),
  /** Why it was not struck; empty if it was. */
  because: z.string(),
  seconds: z.number(),
  /** On the clock of the cell; null if it was not struck. */
  marks: z.strictObject({ heldMs: ms, injectedMs: ms, healedMs: ms, endedMs: ms }).nullable(),
  judged: judged.nullable(),
  audit: audit.nullable(),
  strip: strip.nullable(),
  /** What `/readyz` of the process that was not struck said right before the healing; null: not asked. */
  ready: z.enum(['ready', 'not ready', 'no answer']).nullable().default(null),
  /** The proof that the command was in this phase when the fault struck. */
  wire: z.array(wireLine),
});

const fault = z.strictObject({
  name: z.string(),
  title: z.string(),
  strikes: z.enum(struckAll),
  events: z.array(z.string()),
  harm: z.enum(harms),
  /** Acknowledged effects are lost under every strategy; absent in older results. */
  forgets: z.boolean().default(false),
  phases: z.array(z.enum(phases)),
});

export const runSchema = z.strictObject({
  format: z.literal(faultsFormat),
  version: z.literal(faultsVersion),
  end: z.enum(['complete', 'interrupted', 'broken off']),
  /** The error that ended the run; empty if none did. */
  brokenOff: z.string(),
  startedAt: z.string(),
  seconds: z.number(),
  command: z.string(),
  scenario: z.string(),
  variant: z.string(),
  seed: count,
  times: z.strictObject({ leaseMs: ms, waitMs: ms }),
  conditions,
  faults: z.array(fault),
  /** In the order of the report. */
  strategies: z.array(z.strictObject({ name: z.string(), title: z.string(), hazard: z.boolean() })),
  cells: z.array(cell),
});

/** How `faults.json` is read. */
export const faultsFile = { format: faultsFormat, version: faultsVersion, shape: runSchema };

export type FaultsRun = z.infer<typeof runSchema>;
export type FaultCell = z.infer<typeof cell>;
export type Judged = z.infer<typeof judged>;
export type Marks = NonNullable<FaultCell['marks']>;
export type Strip = z.infer<typeof strip>;
export type LeftBehind = NonNullable<FaultCell['leftBehind']>;
