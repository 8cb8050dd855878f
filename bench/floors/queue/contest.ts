/** One hot key and many contenders: the messages between parent and child processes. */
import { z } from 'zod';

/**
 * How the key is handed on. `floor` takes no lock: a single contender, one critical section after
 * another. `baton` takes none either: each process tells the next by a message through Redis to start.
 */
export const contestants = ['floor', 'baton', 'redis-lease-queued', 'redlock'] as const;
export type Contestant = (typeof contestants)[number];

export const job = z.strictObject({
  contestant: z.enum(contestants),
  key: z.string(),
  contenders: z.number().int(),
  seconds: z.number(),
  workMs: z.number(),
  pauseMs: z.number(),
  /** Index of this process, and the number of processes. */
  index: z.number().int(),
  processes: z.number().int(),
});
export type Job = z.infer<typeof job>;

/** One critical section. Microseconds on the monotonic clock that all processes of a machine share. */
const section = z.tuple([z.number(), z.number()]);

export const told = z.strictObject({
  /** Time from request to grant, in ms, of every turn. */
  waitsMs: z.array(z.number()),
  /** Number of turns per contender. */
  turns: z.array(z.number()),
  sections: z.array(section),
  /** Turns given up: not granted within the wait, or the lock node failed. */
  givenUp: z.number(),
});
export type Told = z.infer<typeof told>;
