import {
  type Attempt,
  type Backends,
  Failure,
  type Guardian,
  type Tuning,
} from '../../src/contract/index.ts';
import { Lease, type LeaseStore, type LeaseTerms } from './lease.ts';

/** Turns by leases: polls for the keys, holds them while the work runs, and gives them back. */
export function leaseGuardian<G>(
  store: LeaseStore<G>,
  backends: Pick<Backends, 'now' | 'sleep' | 'random'>,
  tuning: Pick<Tuning, 'leaseMs' | 'extendLease'>,
): Guardian {
  const { leaseMs, extendLease: extend } = tuning;
  const terms: LeaseTerms<G> = { store, leaseMs, extend, now: backends.now };
  const held = new Set<Lease<G>>();
  return {
    async turn(attempt, keys, inner) {
      const lease = await take(terms, attempt, keys, backends);
      held.add(lease);
      lease.watch();
      try {
        return await inner({ lost: lease.lost });
      } finally {
        // what `inner` ended with stays: the end of the release is told apart from it
        attempt.report(await lease.release());
        held.delete(lease);
      }
    },
    async close() {
      await Promise.all([...held].map(lease => lease.abandon()));
      await store.close();
    },
  };
}

/** Of a lease that is worth starting with: time for one extension that fails and one that does not. */
const validityShare = 0.5;

async function take<G>(
  terms: LeaseTerms<G>,
  { deadlineMs }: Attempt,
  keys: readonly string[],
  { now, sleep, random }: Pick<Backends, 'now' | 'sleep' | 'random'>,
): Promise<Lease<G>> {
  for (let tries = 0; now() < deadlineMs; tries += 1) {
    const sentMs = now(); // every try anew: waiting does not count against the lease
    const grant = await terms.store.take(keys, terms.leaseMs);
    if (grant !== undefined) {
      const lease = new Lease(terms, grant, sentMs);
      const worth = lease.remainingMs >= terms.leaseMs * validityShare;
      if (worth && now() < deadlineMs) return lease;
      await lease.release();
    }
    await sleep(Math.min(pauseMs(tries, random), Math.max(0, deadlineMs - now())));
  }
  throw new Failure('turn-refused');
}

const baseMs = 4;
const capMs = 50;

/**
 * Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), with a low
 * cap: nobody is told of a release, so the cap is how long a free key lies idle.
 */
function pauseMs(tries: number, random: () => number): number {
  return random() * Math.min(capMs, baseMs * 2 ** tries);
}
