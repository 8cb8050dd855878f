import type { Held } from './strategy.ts';

/** Signals for a lost lock. A timer may fire late, so reading a signal checks the clock first. */

/** The same signal, except that reading `aborted` first calls `look`, which may abort it. */
export function watchful(signal: AbortSignal, look: () => void): AbortSignal {
  return Object.defineProperty(signal, 'aborted', {
    get() {
      look();
      return Reflect.get(AbortSignal.prototype, 'aborted', signal);
    },
  });
}

const never = new AbortController().signal;

/** Several turns seen as one: lost as soon as any of them is. */
export class Losses implements Held {
  readonly #held: readonly Held[];
  #signal: AbortSignal | undefined;

  constructor(held: readonly Held[]) {
    this.#held = held;
  }

  isLost(): boolean {
    for (const one of this.#held)
      if (one.isLost ? one.isLost() : one.lost?.aborted === true) return true;
    return false;
  }

  /** Created on first use: most work polls `isLost` between its steps. */
  get lost(): AbortSignal {
    this.#signal ??= first(this.#held.flatMap(one => one.lost ?? []));
    return this.#signal;
  }
}

/**
 * `AbortSignal.any` alone notices a watchful signal only once that signal's own timer has fired.
 */
function first(signals: readonly AbortSignal[]): AbortSignal {
  const [only] = signals;
  if (!only) return never;
  if (signals.length === 1) return only;
  return watchful(AbortSignal.any([...signals]), () => {
    for (const signal of signals) void signal.aborted;
  });
}
