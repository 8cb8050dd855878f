import { shapeOf } from '../gate/lane.ts';
import { cheapestFirst } from '../search/scheduler.ts';
import type { Arena } from './arena.ts';
import type { Callers } from './callers.ts';
import { Execution } from './execution.ts';
import type { ExecutionSettings } from './trace.ts';
import type { AloneRun } from './warm-services.ts';
import type { World } from './world.ts';

interface Means {
  readonly arena: Arena;
  readonly world: World;
  readonly callers: Callers;
}

/**
 * Lets one caller's service answer its request from the start, before any order: its pool is open from
 * then on. What it changed is for others to put back.
 */
export async function warmedUp(
  { arena, world, callers }: Means,
  settings: ExecutionSettings,
  index: number,
): Promise<AloneRun> {
  await world.renew();
  await world.restoreRows();
  const start = (ended: () => void) => callers.alone(index, ended);
  const execution = new Execution(arena, start, { ...settings, eventsMax: 0, phases: false });
  try {
    await execution.run(cheapestFirst, Promise.resolve());
    const { ends, lines } = execution;
    return { end: ends[index], shapes: lines.map(({ label }) => shapeOf(label)) };
  } finally {
    await execution.dispose();
    world.lookAhead(
      execution.lines.flatMap(({ store, label }) => (store === 'postgres' ? [label] : [])),
    );
  }
}
