import {
  type Attempt,
  type Backends,
  departure,
  Failure,
  type Guardian,
  type Held,
  isFailure,
  type Tuning,
} from '../../src/contract/index.ts';
import { Lease, type LeaseStore, type LeaseTerms } from './lease.ts';
import { oneByOne } from './one-by-one.ts';

/** A store of leases that are there for whoever asks first. */
export interface PolledStore<G> extends LeaseStore<G> {
  /** The longest pause between two tries: for so long a free key may lie idle. */
  readonly pauseMaxMs: number;
  /** True where no one step can take several keys: a cluster has them on different nodes. */
  readonly singly?: boolean;
  /** Undefined: somebody else has one of the keys, and nothing of this try is left. */
  take(keys: readonly string[], leaseMs: number): Promise<G | undefined>;
  /** Throws `Failure('lock-key-misused')` where what is under the keys can never become free. */
  inspect(keys: readonly string[]): Promise<void>;
}

/** How a lease is waited for, until `attempt.deadlineMs`; rejects with `Failure('turn-refused')` then. */
export type Take<G> = (
  terms: LeaseTerms<G>,
  attempt: Attempt,
  keys: readonly string[],
) => Promise<Lease<G>>;

type LeaseTuning = Pick<Tuning, 'leaseMs' | 'extendLease'>;

/** Turns by leases that are polled for. */
export function leaseGuardian<G>(
  store: PolledStore<G>,
  backends: Pick<Backends, 'now' | 'sleep' | 'random'>,
  tuning: LeaseTuning,
): Guardian {
  const guardian = guardianOf(store, polling(store, backends), backends.now, tuning);
  return store.singly === true ? oneByOne(guardian) : guardian;
}

/** Turns by leases: takes the keys, holds them while the work runs, and gives them back. */
export function guardianOf<G>(
  store: LeaseStore<G>,
  take: Take<G>,
  now: () => number,
  tuning: LeaseTuning,
): Guardian {
  const { leaseMs, extendLease: extend } = tuning;
  const terms: LeaseTerms<G> = { store, leaseMs, extend, now };
  const held = new Set<Lease<G>>();
  const { fence } = store;
  return {
    async turn(attempt, keys, inner) {
      const lease = await take(terms, attempt, keys);
      held.add(lease);
      lease.watch();
      try {
        return await inner(new HeldLease(lease, fence?.tokenOf(lease.grant)));
      } catch (error) {
        // before the release: the next holder is to be given a token that is not refused
        if (isFailure(error) && error.mark !== undefined) await fence?.raise(error.mark);
        throw error;
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
    ...(store.view && {
      inspect: (key: string) => store.view?.(key, leaseMs) ?? Promise.resolve([]),
    }),
    ...(store.release && { release: store.release.bind(store) }),
  };
}

/** What a turn tells the work inside it. */
class HeldLease implements Held {
  readonly #lease: Lease<unknown>;
  readonly token?: bigint;

  constructor(lease: Lease<unknown>, token: bigint | undefined) {
    this.#lease = lease;
    if (token !== undefined) this.token = token;
  }

  get lost(): AbortSignal {
    return this.#lease.lost;
  }

  isLost(): boolean {
    return this.#lease.isLost();
  }
}

/** Of a lease that is worth starting with: time for one extension that fails and one that does not. */
const validityShare = 0.5;

/** The lease, where it is worth starting with and in time; else it is given back. */
export function worthStarting<G>(
  terms: LeaseTerms<G>,
  { deadlineMs }: Attempt,
  grant: G,
  sentMs: number,
): Lease<G> | Promise<undefined> {
  const lease = new Lease(terms, grant, sentMs);
  const worth = lease.remainingMs >= terms.leaseMs * validityShare;
  if (worth && terms.now() < deadlineMs) return lease;
  return lease.release().then(() => undefined);
}

const pauseBaseMs = 4;
/** After so many tries, about 0.1 s, it is asked whether what is in the way is a lock at all. */
const patientTries = 6;

/** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
function polling<G>(
  { take, inspect, pauseMaxMs }: PolledStore<G>,
  { now, sleep, random }: Pick<Backends, 'now' | 'sleep' | 'random'>,
): Take<G> {
  return async (terms, attempt, keys) => {
    const { deadlineMs, left } = attempt;
    for (let tries = 0; now() < deadlineMs; tries += 1) {
      if (left?.aborted) throw new Failure('caller-left');
      const sentMs = now(); // every try anew: waiting does not count against the lease
      const grant = await take(keys, terms.leaseMs);
      const lease = grant !== undefined && (await worthStarting(terms, attempt, grant, sentMs));
      if (lease) return lease;
      if (tries === patientTries) await inspect(keys);
      const pauseMs = random() * Math.min(pauseMaxMs, pauseBaseMs * 2 ** tries);
      await sleep(Math.min(pauseMs, Math.max(0, deadlineMs - now())), departure(left));
    }
    await inspect(keys);
    throw new Failure('turn-refused');
  };
}
