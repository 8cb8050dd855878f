import Redlock, { type Caller, type Lock } from 'redlock-4';
import type { Backends } from '../../src/contract/index.ts';
import type { PolledStore } from './lease-guardian.ts';
import { lockKey } from './redis-leases.ts';
import { type Member, Members } from './redlock-member.ts';
import { nodeView } from './redlock-view.ts';

/**
 * Leases on a majority of independent nodes, by npm redlock 4.2.0 (the `latest` tag). It waits for
 * every node, so one that is frozen costs each call the client's command timeout; and an extension
 * that finds no majority gives the lock back, so it is always told as gone.
 */
export function redlock4Leases(
  backends: Pick<Backends, 'redisNodes' | 'now' | 'sleep'>,
): PolledStore<Lock> {
  const members = new Members(backends);
  const redlock = new Redlock(members.all.map(asCaller), { retryCount: 0 });
  const { lockScript: take, unlockScript: give } = redlock.scripts;
  members.scripts = { take, give };

  return {
    pauseMaxMs: 200, // votes are split between those who ask at once
    async take(resources, leaseMs) {
      await members.connect();
      try {
        return await redlock.lock(resources.map(lockKey), leaseMs);
      } catch (error) {
        members.assertVoting(error);
        return undefined; // the library has given back what votes it had
      }
    },
    async extend(lock, leaseMs) {
      try {
        return await redlock.extend(lock, leaseMs);
      } catch {
        return undefined;
      }
    },
    async give(lock) {
      try {
        await redlock.unlock(lock);
        return true;
      } catch (error) {
        members.assertMajority(error);
        return false;
      }
    },
    inspect: resources => members.inspect(resources),
    async close() {
      members.close();
    },
    ...nodeView(backends.redisNodes),
  };
}

/** Callbacks and one list of arguments, where version 5 has promises and three. */
function asCaller(member: Member): Caller {
  const told = (
    result: Promise<unknown>,
    answer: (error: Error | null, result?: unknown) => void,
  ) => {
    // what `answer` returns is the library's own promise: adopted here, its rejection had no owner
    result.then(
      value => void answer(null, value),
      (error: Error) => void answer(error),
    );
  };
  return {
    evalsha: (sha, [keyCount, ...args], answer) =>
      told(member.evalsha(sha, Number(keyCount), args), answer),
    eval: ([lua, keyCount, ...args], answer) =>
      told(member.eval(String(lua), Number(keyCount), args), answer),
  };
}
