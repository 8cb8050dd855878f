import { Follow } from '../search/follow.ts';
import { Nondeterministic } from '../search/point.ts';
import type { Scheduler } from '../search/scheduler.ts';
import type { ExecutionRecord } from './record.ts';
import { toldShape } from './told-shape.ts';
import { NotWarm } from './warm-services.ts';

/** A scheduler that notes what it chose. */
export function noted(scheduler: Scheduler, tokens: string[]): Scheduler {
  return {
    next: point => {
      const choice = scheduler.next(point);
      if (choice !== undefined) tokens.push(choice.token);
      return choice;
    },
    needsTouched: () => scheduler.needsTouched?.() ?? false,
  };
}

/**
 * Runs the same order once more with services that have just been started. Rejects with NotWarm where
 * they do something else then: what they kept in memory matters.
 */
export async function checkedCold(
  record: ExecutionRecord,
  tokens: readonly string[],
  execute: (scheduler: Scheduler) => Promise<ExecutionRecord>,
): Promise<void> {
  const again = await execute(new Follow({ version: 2, tokens }, 'strict')).catch(
    (error: unknown) => {
      if (!(error instanceof Nondeterministic)) throw error;
      throw new NotWarm(`a service that has just been started takes other steps: ${error.message}`);
    },
  );
  if (toldShape(again.ends) === toldShape(record.ends)) return;
  throw new NotWarm(
    `a service that has just been started answers ${toldShape(again.ends)}, and ${toldShape(record.ends)} before`,
  );
}
