import { z } from 'zod';

/** What the new strategy has to show, and what it may cost. */
export const gateShape = z.strictObject({
  /** So many contested keys without a violation, before a step that raises the weight. 59 bound 5 %. */
  contestedKeys: z.int().min(1).max(3_000).default(59),
  /** So many compared commands of each arm. */
  commands: z.int().min(1).max(1_000_000).default(100),
  /** How many times as long as the old one it may take. */
  slower: z.number().min(1).max(1_000).default(1),
  /** By how much more of its commands may end so: 0.01 is one in a hundred. */
  busy: z.number().min(0).max(1).default(0),
  failed: z.number().min(0).max(1).default(0),
  unknown: z.number().min(0).max(1).default(0),
  /** How long a step is held for want of evidence, before the rollout pauses until a person acts. */
  holdSeconds: z.int().min(1).max(2_592_000).default(3_600),
});

export type GateSettings = z.infer<typeof gateShape>;
