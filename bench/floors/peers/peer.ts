/** Third-party lock libraries as strategies, with each library's own behaviour. */
import type { Attempt, Guardian, Strategy } from '../../../src/contract/index.ts';

type Release = () => Promise<unknown>;

/**
 * A turn by a library's own acquire and release, with its retries, waiting and deadline. An error on
 * acquire becomes the failure `turn-refused`; a failed release is reported as a lost turn, not thrown.
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

/** Everything but the turn is the same for all libraries: a lease in Redis around the steps. */
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
