/** The raw data of a soak. */
import { z } from 'zod';
import { conditions } from '../../lab/shapes.ts';
import { verdicts } from '../verdict.ts';

export const soakFormat = 'lockstep soak';
/** Raised by every change that an older reader would misread. */
export const soakVersion = 1;

const count = z.number().int().min(0);

/** A process of the service, between two cells: nothing is under way in it. */
const sample = z.strictObject({
  /** `primary`, `process 1`, … */
  process: z.string(),
  pid: count,
  /** Since the first cell. */
  minutes: z.number(),
  residentBytes: count,
  /** After a collection of garbage; null where the process did not tell it. */
  heapBytes: count.nullable(),
  /** Open descriptors, without the connections to the stores. */
  files: count,
  /** To Postgres and Redis: bounded by the pools, which keep theirs. */
  connections: count,
});

export const soakSchema = z.strictObject({
  format: z.literal(soakFormat),
  version: z.literal(soakVersion),
  end: z.enum(['complete', 'interrupted', 'broken off']),
  /** The error that ended it; empty if none did. */
  brokenOff: z.string(),
  startedAt: z.string(),
  seconds: z.number(),
  minutes: z.number(),
  command: z.string(),
  seed: count,
  conditions,
  faults: z.array(z.string()),
  strategies: z.array(z.string()),
  /** How often the list of cells was begun. */
  passes: count,
  /** Cells by what came of them; those that are there to be harmed are not among them. */
  verdicts: z.partialRecord(z.enum(verdicts), count),
  /** Whatever a cell showed that its prediction excludes. */
  contradictions: z.array(z.string()),
  acknowledged: count,
  lost: count,
  samples: z.array(sample),
});

/** How `soak.json` is read. */
export const soakFile = { format: soakFormat, version: soakVersion, shape: soakSchema };

export type SoakRun = z.infer<typeof soakSchema>;
export type Sample = SoakRun['samples'][number];
