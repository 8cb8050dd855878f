import { OutOfTime } from '../search/point.ts';
import { cheapestFirst } from '../search/scheduler.ts';
import type { RunningActor } from './actor.ts';
import type { Arena } from './arena.ts';
import { Execution } from './execution.ts';
import { allPass } from './leases.ts';
import type { Subject } from './subject.ts';
import type { ExecutionSettings } from './trace.ts';
import { asPart } from './unjudged.ts';

interface Means {
  readonly arena: Arena;
  readonly settings: ExecutionSettings;
  readonly start: (ended: () => void) => readonly RunningActor[];
}

/** Lets a fresh caller try when everything has settled. Rejects with OutOfTime. */
export async function probed(
  { checkProbe, leases }: Subject,
  { arena, settings, start }: Means,
): Promise<readonly string[]> {
  await allPass(arena, leases ?? []);
  const execution = new Execution(arena, start, settings);
  try {
    const { kind } = await execution.run(cheapestFirst, Promise.resolve());
    const [end] = execution.ends;
    if (kind === 'late') throw new OutOfTime();
    if (kind !== 'ended') return ['stuck: a fresh caller never ends'];
    if (checkProbe !== undefined) return asPart('checkProbe', () => checkProbe(end));
    return end?.kind === 'returned' ? [] : ['stuck: a fresh caller does not get its turn'];
  } finally {
    await execution.dispose();
  }
}
