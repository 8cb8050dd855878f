import { setTimeout as delay } from 'node:timers/promises';

/** Waits, unless the run is told to stop: then it throws the reason. */
export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
