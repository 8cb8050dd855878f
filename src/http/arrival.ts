let sinceMs: number | undefined;

/**
 * When the requests that are handled in this turn of the event loop began to arrive, on the clock of
 * `performance.now()`. A burst is read in one turn, and its last request has waited in the socket while
 * the others were handled: that counts as its waiting, too.
 */
export function arrival(): number {
  if (sinceMs === undefined) {
    sinceMs = performance.now();
    setImmediate(() => {
      sinceMs = undefined;
    });
  }
  return sinceMs;
}
