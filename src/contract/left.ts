const departures = new WeakMap<AbortSignal, Promise<void>>();

/**
 * Resolves when the caller has left, for `Backends.sleep`. One listener per signal, however often it is
 * asked for: a wait that polls asks at every pause. Undefined without a signal.
 */
export function departure(left: AbortSignal | undefined): Promise<void> | undefined {
  if (!left) return undefined;
  const known = departures.get(left);
  if (known) return known;
  const leaving = new Promise<void>(resolve => {
    if (left.aborted) resolve();
    else left.addEventListener('abort', () => resolve(), { once: true });
  });
  departures.set(left, leaving);
  return leaving;
}
