import type { Backends, Guardian, Tuning } from '../../src/contract/index.ts';
import { guardianOf } from './lease-guardian.ts';
import { oneByOne } from './one-by-one.ts';
import { QueuedLeases } from './queued-leases.ts';
import { WakeUps } from './wake-ups.ts';

/** Turns by leases that are handed on; several keys are taken one after another, in the sorted order. */
export async function queuedGuardian(
  { redis, now, sleep }: Pick<Backends, 'redis' | 'now' | 'sleep'>,
  tuning: Tuning,
): Promise<Guardian> {
  const wakeUps = new WakeUps(redis);
  await wakeUps.open().catch((error: unknown) => {
    wakeUps.close();
    throw error;
  });
  const leases = new QueuedLeases(redis, wakeUps, { now, sleep }, tuning);
  return oneByOne(guardianOf(leases, leases.take, now, tuning));
}
