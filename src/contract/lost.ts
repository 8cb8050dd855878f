/** Signals of a lost turn. A timer may be late, so whoever asks one has it look at the clock first. */

/** The signal itself, but asking `aborted` looks first: `look` may abort it. */
export function watchful(signal: AbortSignal, look: () => void): AbortSignal {
  return Object.defineProperty(signal, 'aborted', {
    get() {
      look();
      return Reflect.get(AbortSignal.prototype, 'aborted', signal);
    },
  });
}

/**
 * Aborted with the first of several, and asks each of them when it is asked: `AbortSignal.any` alone
 * learns of a watchful signal only when that one's own timer has run.
 */
export function anyLost(signals: readonly AbortSignal[]): AbortSignal {
  return watchful(AbortSignal.any([...signals]), () => {
    for (const signal of signals) void signal.aborted;
  });
}
