import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultStop, type StopStage } from './protocol.ts';

/** A child left behind by a dead keeper. */
export interface Orphan {
  readonly pid: number;
  readonly stop: readonly StopStage[] | undefined;
}

const lookMs = 20;

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // it has exited, or the pid belongs to another user's process by now
  }
}

async function end(orphan: Orphan): Promise<void> {
  for (const { signal: name, waitMs } of orphan.stop ?? defaultStop) {
    if (!signal(orphan.pid, name)) return;
    signal(orphan.pid, 'SIGCONT');
    for (let waitedMs = 0; waitedMs < waitMs && signal(orphan.pid, 0); waitedMs += lookMs) {
      await delay(lookMs);
    }
  }
  signal(-orphan.pid, 'SIGKILL');
}

/**
 * The last resort if the keeper itself was killed: stops its children by pid and removes its
 * folders, as far as they are known here. Bounded by the children's stop stages.
 */
export async function endOrphans(
  orphans: readonly Orphan[],
  folders: Iterable<string>,
): Promise<void> {
  await Promise.all(orphans.map(end));
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
  await Promise.allSettled([...folders].map(folder => rm(folder, options)));
}
