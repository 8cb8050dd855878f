import Redlock, { ExecutionError, type Lock, ResourceLockedError } from 'redlock';
import type { Backends } from '../../src/contract/index.ts';
import type { PolledStore } from './lease-guardian.ts';
import { lockKey } from './redis-leases.ts';
import { redisFailure } from './redis-script.ts';
import { Members } from './redlock-member.ts';
import { nodeView } from './redlock-view.ts';

/** The library tries once; when to try again, and until when, is decided outside. */
const once = { retryCount: 0 };

/**
 * Leases on a majority of independent nodes, by npm redlock 5.0.0-beta.2. What it leaves open is
 * closed here and in `lease.ts`: it grants leases whose time is over, counts waiting against them,
 * never settles on an even number of nodes, and tries a release of an expired lease for 2 s.
 */
export function redlockLeases(
  backends: Pick<Backends, 'redisNodes' | 'now' | 'sleep'>,
): PolledStore<Lock> {
  const members = new Members(backends);
  const redlock = new Redlock(members.all, once);
  const { acquireScript: take, releaseScript: give } = redlock.scripts;
  members.scripts = { take, give };

  return {
    pauseMaxMs: 200, // votes are split between those who ask at once: measured with 32, few turns at 50 ms
    async take(resources, leaseMs) {
      await members.connect();
      try {
        return await redlock.acquire(resources.map(lockKey), leaseMs, once);
      } catch (error) {
        members.assertVoting(error);
        return undefined; // the library has given back what votes it had
      }
    },
    async extend(lock, leaseMs) {
      try {
        return await redlock.extend(lock, leaseMs, once);
      } catch (error) {
        if (await isGone(error, members.quorum)) return undefined;
        throw redisFailure(error);
      }
    },
    async give(lock) {
      try {
        await redlock.release(lock, once);
        return true;
      } catch (error) {
        if (await isGone(error, members.quorum)) return false;
        throw redisFailure(error);
      }
    },
    inspect: resources => members.inspect(resources),
    async close() {
      members.close();
    },
    ...nodeView(backends.redisNodes),
  };
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
