import type { Held } from './strategy.ts';

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

const never = new AbortController().signal;

/** What several turns tell together: lost with the first of them. */
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

  /** Made when somebody wants to be called: most work asks `isLost` between its steps. */
  get lost(): AbortSignal {
    this.#signal ??= first(this.#held.flatMap(one => one.lost ?? []));
    return this.#signal;
  }
}

/** `AbortSignal.any` alone learns of a watchful signal only when that one's own timer has run. */
function first(signals: readonly AbortSignal[]): AbortSignal {
  const [only] = signals;
  if (!only) return never;
  if (signals.length === 1) return only;
  return watchful(AbortSignal.any([...signals]), () => {
    for (const signal of signals) void signal.aborted;
  });
}
