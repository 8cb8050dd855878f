/** What the primary and its workers say to each other over the channel of node:cluster. */
import type { Changes } from '../../telemetry/changes.ts';

export type ToPrimary =
  | { readonly lockstep: 'listening'; readonly ownPort: number }
  | { readonly lockstep: 'failed'; readonly why: string }
  | { readonly lockstep: 'snapshot'; readonly ask: number; readonly changes: Changes }
  | { readonly lockstep: 'page?'; readonly ask: number };

export type ToWorker =
  | { readonly lockstep: 'stop' }
  | { readonly lockstep: 'snapshot?'; readonly ask: number }
  | { readonly lockstep: 'page'; readonly ask: number; readonly text: string };

/**
 * Messages of ours among those of node:cluster; both ends are of one version, so the tag is
 * enough.
 */
export function isOurs<M extends ToPrimary | ToWorker>(message: unknown): message is M {
  return typeof message === 'object' && message !== null && 'lockstep' in message;
}

/** Variables that the primary adds to a worker's environment. */
export const workerVariables = { sharedPort: 'LOCKSTEP_SHARED_PORT', ownPort: 'LOCKSTEP_OWN_PORT' };

/** How long a process may take to stop: what is running is finished, what is held is released. */
export const stopLimitMs = 10_000;
