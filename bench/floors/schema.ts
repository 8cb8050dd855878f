/** The raw data of `floors`: every figure of every repetition, written once. */
import { z } from 'zod';

export const floorsFormat = 'lockstep floors';
/** Raised by every change that an older reader would misread. */
export const floorsVersion = 1;

const target = z.strictObject({
  of: z.string(),
  against: z.string().optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
});

const contest = z.strictObject({
  title: z.string(),
  unit: z.string(),
  /** The entry that ratios refer to. */
  baseline: z.string(),
  targets: z.array(target).readonly(),
  notes: z.array(z.string()).readonly(),
  entries: z.array(z.string()).readonly(),
  /** For each repetition, the figure of each entry. */
  repetitions: z.array(z.record(z.string(), z.number())).readonly(),
  /** Entries that could not run, with the reason. */
  failed: z.record(z.string(), z.string()),
});

export const floorsSchema = z.strictObject({
  format: z.literal(floorsFormat),
  version: z.literal(floorsVersion),
  startedAt: z.string(),
  seconds: z.number(),
  contests: z.array(contest).readonly(),
  /** Versions and settings of the servers, and other facts about the run. */
  facts: z.record(z.string(), z.string()),
});

/** How `floors.json` is read. */
export const floorsFile = { format: floorsFormat, version: floorsVersion, shape: floorsSchema };

/** What an entry should reach: as a multiple of another one (`against`), or in the contest's unit. */
export type Target = z.infer<typeof target>;
export type ContestResult = z.infer<typeof contest>;
export type FloorsResult = z.infer<typeof floorsSchema>;
