/** Lock libraries of others, as they come: whoever asks gets what the library does by itself. */
import type { Attempt, Guardian, Strategy } from '../../../src/contract/index.ts';

type Release = () => Promise<unknown>;

/**
 * A turn by a library's own acquire and release: its retries, its waiting, its idea of a deadline.
 * What it throws at acquire becomes "no turn in time"; a failed release is told and not thrown.
 */
export function peerGuardian(acquire: (keys: readonly string[]) => Promise<Release>): Guardian {
  return {
    async turn(attempt: Attempt, keys, inner) {
      const release = await acquire(keys).catch((error: unknown) => {
        throw attempt.failure('turn-refused', error);
      });
      try {
        return await inner({});
      } finally {
        attempt.report(
          await release().then(
            () => 'released' as const,
            () => 'lost' as const,
          ),
        );
      }
    },
    close: async () => {},
  };
}

/** All but the turn is the same for every library: a lease in Redis around the steps. */
export function peer(title: string, open: Strategy['turns'][number]['open']): Strategy {
  return {
    title,
    store: 'pg',
    wording: 'steps',
    isolation: 'read committed',
    turns: [{ heldBy: 'lease', until: 'commit', open }],
    first: [],
    guard: [],
    adoption: {
      migration: 'none',
      everyWriterMustTakePart: true,
      newDependency: 'redis',
      poolerSafe: true,
      retryNeeded: false,
    },
    compared: 'on request',
  };
}
