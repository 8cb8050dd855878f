import type { Redis } from 'ioredis';
import Redlock, { type Caller, ExecutionError, type Lock, ResourceLockedError } from 'redlock';
import { type Backends, Failure } from '../../src/contract/index.ts';
import type { PolledStore } from './lease-guardian.ts';
import { Orphans } from './orphans.ts';
import { lockKey } from './redis-leases.ts';
import { connected, redisUnavailable } from './redis-script.ts';

/** The library tries once; when to try again, and until when, is decided outside. */
const once = { retryCount: 0 };

/**
 * Leases on a majority of independent nodes, by npm redlock 5.0.0-beta.2. What it leaves open is
 * closed here and in `lease.ts`: it grants leases whose time is over, counts waiting against them,
 * never settles on an even number of nodes, and tries a release of an expired lease for 2 s.
 */
export function redlockLeases({
  redisNodes,
  now,
  sleep,
}: Pick<Backends, 'redisNodes' | 'now' | 'sleep'>): PolledStore<Lock> {
  assertOdd(redisNodes.length);
  const quorum = Math.floor(redisNodes.length / 2) + 1;
  const orphans = new Orphans({ now, sleep });
  const members = redisNodes.map(redis => new Member(redis, orphans, now));
  const redlock = new Redlock(members, once);
  for (const member of members) member.release = redlock.scripts.releaseScript;

  const assertMajority = (because: unknown): void => {
    if (members.filter(member => member.answers).length < quorum) throw redisUnavailable(because);
  };

  return {
    pauseMaxMs: 200, // votes are split between those who ask at once: measured with 32, few turns at 50 ms
    async take(resources, leaseMs) {
      await Promise.all(members.map(member => member.connect()));
      try {
        return await redlock.acquire(resources.map(lockKey), leaseMs, once);
      } catch (error) {
        assertMajority(error);
        return undefined; // the library has given back what votes it had
      }
    },
    async extend(lock, leaseMs) {
      try {
        return await redlock.extend(lock, leaseMs, once);
      } catch (error) {
        if (await isGone(error, quorum)) return undefined;
        throw redisUnavailable(error);
      }
    },
    async give(lock) {
      try {
        await redlock.release(lock, once);
        return true;
      } catch (error) {
        if (await isGone(error, quorum)) return false;
        throw redisUnavailable(error);
      }
    },
    async close() {
      orphans.close();
    },
  };
}

/** With an even number each side can have half of the votes, and the library then never settles. */
function assertOdd(count: number): void {
  if (count >= 3 && count % 2 === 1) return;
  throw new Failure('internal-error', {
    message: `Redlock needs an odd number of independent Redis nodes, at least 3; REDIS_NODES names ${count}`,
  });
}

const giveAgainMs = 10_000; // for this long a vote that could not be given back is tried again
const silentMs = 500; // for this long a node that let a command run out of time is not waited for again

/** One node as the library sees it: remembers whether it answers, and clears away late votes. */
class Member implements Caller {
  answers = true;
  release: { readonly value: string; readonly hash: string } | undefined;
  readonly #redis: Redis;
  readonly #orphans: Orphans;
  readonly #now: () => number;
  #silentUntilMs = 0;

  constructor(redis: Redis, orphans: Orphans, now: () => number) {
    this.#redis = redis;
    this.#orphans = orphans;
    this.#now = now;
  }

  /** Waits for a connection that is being made; never throws, the others may be enough. */
  async connect(): Promise<void> {
    await connected(this.#redis).catch(() => {
      this.answers = false;
    });
  }

  async evalsha(sha: string, keyCount: number, args: readonly (string | number)[]) {
    const releases = this.release !== undefined && sha === this.release.hash;
    if (releases && this.#now() < this.#silentUntilMs) {
      // not waited for a second time; and its vote may still come, where it does not know the script
      this.#giveLater(keyCount, args);
      throw new Error('the node did not answer');
    }
    return this.#noted(this.#redis.evalsha(sha, keyCount, ...args));
  }

  eval(lua: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown> {
    return this.#noted(this.#redis.eval(lua, keyCount, ...args));
  }

  #giveLater(keyCount: number, args: readonly (string | number)[]): void {
    const lua = this.release?.value;
    if (lua === undefined || this.#redis.status !== 'ready') return; // away: nothing was sent
    this.#orphans.add(() => this.#redis.eval(lua, keyCount, ...args), giveAgainMs);
  }

  async #noted(answer: Promise<unknown>): Promise<unknown> {
    try {
      const result = await answer;
      this.answers = true;
      this.#silentUntilMs = 0;
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      this.answers = message.startsWith('NOSCRIPT');
      if (message === 'Command timed out') this.#silentUntilMs = this.#now() + silentMs;
      throw error;
    }
  }
}

/** Whether so many nodes have something else under the key that no majority can be ours. */
async function isGone(error: unknown, quorum: number): Promise<boolean> {
  if (!(error instanceof ExecutionError)) return false;
  const [votes] = await Promise.all(error.attempts);
  if (!votes) return true; // known to be over without asking
  const against = [...votes.votesAgainst.values()];
  const others = against.filter(vote => vote instanceof ResourceLockedError).length;
  return votes.membershipSize - others < quorum;
}
