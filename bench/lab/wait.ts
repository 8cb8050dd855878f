import { setTimeout as delay } from 'node:timers/promises';

/** Waits; throws the signal's reason as soon as it is aborted. */
export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
