import { z } from 'zod';
import { prediction } from '../lab/shapes.ts';

const count = z.number().int().min(0);

/** The result for a few callers of one key, in every order of their requests within a bound. */
export const exploredCell = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  /** The round. Older runs had only plain ones. */
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
  /** Whether every order within the bound was visited. */
  exhausted: z.boolean(),
  bound: z.string(),
  seconds: z.number(),
  /** The orders by event; `none` stands for those without one. */
  parts: z
    .array(
      z.strictObject({
        event: z.string(),
        orders: count,
        violating: count,
        /** Violating orders in which an effect was left without its record, if that voids the claim. */
        excused: count.optional(),
        claimed: prediction.nullable(),
        agreement: z.enum(['as claimed', 'claim violated', 'not shown', 'nothing claimed']),
      }),
    )
    .readonly(),
  assumptions: z.array(z.string()).readonly(),
  /** Whether the control failed in the same round and bound. Absent in older runs. */
  control: z.strictObject({ seen: z.boolean(), why: z.string() }).optional(),
  /** The shortest violating order. */
  counterexample: z.strictObject({ schedule: z.string(), timeline: z.string() }).nullable(),
});

export type ExploredCell = z.infer<typeof exploredCell>;
