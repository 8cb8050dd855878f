/** One hot key and many contenders: what parent and child processes of the measurement tell each other. */
import { z } from 'zod';

/**
 * Who hands the key on. `floor` takes no lock: one contender alone, section after section. `baton`
 * takes none either: each process tells the next by a message through Redis that it may begin.
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
  /** Which of the processes this one is, and how many there are. */
  place: z.number().int(),
  places: z.number().int(),
});
export type Job = z.infer<typeof job>;

/** One critical section. Microseconds on the monotonic clock that all processes of a machine share. */
const section = z.tuple([z.number(), z.number()]);

export const told = z.strictObject({
  /** From asking to the grant, in ms, of every turn. */
  waitsMs: z.array(z.number()),
  /** Turns of each contender. */
  turns: z.array(z.number()),
  sections: z.array(section),
  /** Turns that were given up: nobody was granted within the wait, or the lock node failed. */
  givenUp: z.number(),
});
export type Told = z.infer<typeof told>;
