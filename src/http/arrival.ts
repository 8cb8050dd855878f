import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

let sinceMs: number | undefined;

/** When the requests that are handled in this turn of the event loop began to arrive. */
function turn(): number {
  if (sinceMs === undefined) {
    sinceMs = performance.now();
    setImmediate(() => {
      sinceMs = undefined;
    });
  }
  return sinceMs;
}

interface Accepted {
  readonly atMs: number;
  readonly idleMs: number;
}

const accepted = new WeakMap<Socket, Accepted>();
const idleMinMs = 2; // shorter waits for events are no rest

const idleMs = (): number => performance.eventLoopUtilization().idle;

/** Notes a new connection; see `arrival`. */
export function accept(socket: Socket): void {
  accepted.set(socket, { atMs: turn(), idleMs: idleMs() });
}

/**
 * When a request arrived, on the clock of `performance.now()`: its time runs from here. A burst is read
 * turn by turn, and the last request has waited in its socket while the others were handled. Where the
 * event loop has not rested since the connection was accepted, that is when its first request is taken
 * to have come.
 */
export function arrival(socket: Socket): number {
  const first = accepted.get(socket);
  accepted.delete(socket);
  return first && idleMs() - first.idleMs < idleMinMs ? first.atMs : turn();
}
