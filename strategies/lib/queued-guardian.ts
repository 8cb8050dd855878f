import {
  type Attempt,
  type Backends,
  Failure,
  type Guardian,
  type Held,
  Losses,
  type ReleaseEnd,
  type Tuning,
} from '../../src/contract/index.ts';
import { guardianOf } from './lease-guardian.ts';
import { QueuedLeases } from './queued-leases.ts';
import { WakeUps } from './wake-ups.ts';

/** Turns by leases that are handed on; several keys are taken one after another, in the sorted order. */
export async function queuedGuardian(
  { redis, now, sleep }: Pick<Backends, 'redis' | 'now' | 'sleep'>,
  tuning: Tuning,
): Promise<Guardian> {
  const wakeUps = new WakeUps(redis);
  await wakeUps.open();
  const leases = new QueuedLeases(redis, wakeUps, { now, sleep }, tuning);
  const single = guardianOf(leases, leases.take, now, tuning);

  /** Takes the rest of the keys inside what is held already. */
  async function inside<T>(
    attempt: Attempt,
    [key, ...others]: readonly string[],
    held: readonly Held[],
    inner: (held: Held) => Promise<T>,
  ): Promise<T> {
    if (key === undefined) return inner(new Losses(held));
    return single.turn(attempt, [key], mine => {
      if (new Losses(held).isLost()) throw new Failure('turn-lost'); // while it waited
      return inside(attempt, others, [...held, mine], inner);
    });
  }

  return {
    async turn(attempt, keys, inner) {
      if (keys.length === 1) return single.turn(attempt, keys, inner);
      const ends: ReleaseEnd[] = [];
      try {
        return await inside({ ...attempt, report: end => ends.push(end) }, keys, [], inner);
      } finally {
        const worst = worstFirst.find(end => ends.includes(end));
        if (worst !== undefined) attempt.report(worst); // one turn, one end
      }
    },
    close: () => single.close(),
  };
}

const worstFirst: readonly ReleaseEnd[] = ['lost', 'unknown', 'already gone', 'released'];
