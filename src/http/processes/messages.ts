/** The messages between the primary and its workers, over the node:cluster channel. */
import type { Changes } from '../../telemetry/changes.ts';

export type ToPrimary =
  | { readonly lockstep: 'listening'; readonly ownPort: number }
  | { readonly lockstep: 'failed'; readonly why: string }
  | { readonly lockstep: 'snapshot'; readonly ask: number; readonly changes: Changes }
  /** Connections taken from the shared port so far. */
  | { readonly lockstep: 'taken'; readonly connections: number }
  | { readonly lockstep: 'page?'; readonly ask: number };

export type ToWorker =
  /** It says that it is not ready for so long before it stops to listen. */
  | { readonly lockstep: 'stop'; readonly lameDuckMs: number }
  | { readonly lockstep: 'taken?' }
  | { readonly lockstep: 'snapshot?'; readonly ask: number }
  | { readonly lockstep: 'page'; readonly ask: number; readonly text: string };

/**
 * Tells our messages from those of node:cluster. Both ends run the same version: a tag is enough.
 */
export function isOurs<M extends ToPrimary | ToWorker>(message: unknown): message is M {
  return typeof message === 'object' && message !== null && 'lockstep' in message;
}

/** Variables that the primary adds to a worker's environment. */
export const workerVariables = { sharedPort: 'LOCKSTEP_SHARED_PORT', ownPort: 'LOCKSTEP_OWN_PORT' };

/** How long a process may take to stop: running requests finish, locks are released. */
export const stopLimitMs = 10_000;
