import type { Redis } from 'ioredis';
import {
  type Attempt,
  type Backends,
  departure,
  Failure,
  type LockRelease,
  type LockState,
  type LockWaiter,
  type Tuning,
} from '../../src/contract/index.ts';
import type { Lease, LeaseStore, LeaseTerms } from './lease.ts';
import { type Take, worthStarting } from './lease-guardian.ts';
import { holderOf, inspectLeases, type LeasePlace, placesOf, releaseLease } from './lease-view.ts';
import { Orphans } from './orphans.ts';
import { extendOwned, lockKey, newToken } from './redis-leases.ts';
import { connected, redisFailure, Script } from './redis-script.ts';
import type { WakeUps } from './wake-ups.ts';

/** A place in the queue of one key, and after the grant the lease on it. */
export interface Ticket {
  /** The lock, the queue by arrival, and until when each waiter counts as alive. */
  readonly keys: readonly [lock: string, queue: string, seen: string];
  /**
   * `channel|comesMs|random`: whoever hands the lock on reads from it whom to wake, and for how long the
   * lock is kept for it until it comes and takes the whole lease.
   */
  readonly token: string;
}

/**
 * Gives the lock to the first waiter that is alive, or frees it. Who died has nobody listening to its
 * channel, and who stands still has not asked for a while: both are taken out for good, so the loop
 * ends. The waiter `me` is the one who asks: it needs no message.
 */
const handOn = `
local lock, queue, seen = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('time')
local microseconds = time[1] * 1000000 + time[2]
local function handOn(me)
  while true do
    local first = redis.call('zpopmin', queue)[1]
    if not first then
      redis.call('del', lock)
      return false
    end
    local aliveUntil = tonumber(redis.call('hget', seen, first) or '0')
    redis.call('hdel', seen, first)
    local channel, comesMs = string.match(first, '^(.-)|(%d+)|')
    if first == me or (aliveUntil > microseconds and redis.call('publish', channel, first) > 0) then
      redis.call('set', lock, first, 'px', comesMs)
      return first
    end
  end
end
`;

// {1, 0}: the lock is mine from now on; {0, ms}: it is held for so long yet, unless prolonged
const ask = new Script(`${handOn}
local me, leaseMs, aliveMs = ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('get', lock)
if holder == me then
  redis.call('pexpire', lock, leaseMs)
  return {1, 0}
end
if not holder and redis.call('exists', queue) == 0 then
  redis.call('set', lock, me, 'px', leaseMs)
  return {1, 0}
end
redis.call('zadd', queue, 'nx', microseconds, me)
redis.call('hset', seen, me, microseconds + aliveMs * 1000)
redis.call('pexpire', queue, aliveMs)
redis.call('pexpire', seen, aliveMs)
if not holder and handOn(me) == me then
  redis.call('pexpire', lock, leaseMs)
  return {1, 0}
end
return {0, redis.call('pttl', lock)}
`);

// out of the queue, and the lock to the next one where it is ours: 1
const leave = new Script(`${handOn}
local me = ARGV[1]
if redis.call('get', lock) == me then
  handOn('') -- who holds the lock stands in the queue no more
  return 1
end
redis.call('zrem', queue, me)
redis.call('hdel', seen, me)
return 0
`);

function queueKeys(key: string): Ticket['keys'] {
  return [lockKey(key), `lockstep:queue:${key}`, `lockstep:seen:${key}`];
}

const waitersMax = 100;

async function waitersIn(redis: Redis, queue: string): Promise<readonly LockWaiter[]> {
  const [[seconds, microseconds], members] = await Promise.all([
    redis.time(),
    redis.zrange(queue, 0, String(waitersMax - 1), 'WITHSCORES'),
  ]);
  const nowMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  const waiters: LockWaiter[] = [];
  for (let at = 0; at + 1 < members.length; at += 2) {
    const waitingMs = Math.max(0, Math.round(nowMs - Number(members[at + 1]) / 1_000));
    waiters.push({ waiter: holderOf(members[at] ?? ''), waitingMs });
  }
  return waiters;
}

const pollMaxMs = 250;
const pollsMissed = 4; // who has missed so many counts as dead

type Time = Pick<Backends, 'now' | 'sleep'>;

/** Leases on single keys that are handed from one waiter to the next in the order of arrival. */
export class QueuedLeases implements LeaseStore<Ticket> {
  readonly #redis: Redis;
  readonly #wakeUps: WakeUps;
  readonly #time: Time;
  readonly #leaseMs: number;
  readonly #pollMs: number;
  /** Who has not asked for so long counts as dead, and so does who does not come for its lock. */
  readonly #aliveMs: number;
  readonly #orphans: Orphans;
  readonly #places: readonly LeasePlace[];

  constructor(redis: Redis, wakeUps: WakeUps, time: Time, { leaseMs }: Pick<Tuning, 'leaseMs'>) {
    this.#redis = redis;
    this.#places = placesOf('redis', [redis]);
    this.#wakeUps = wakeUps;
    this.#time = time;
    this.#leaseMs = leaseMs;
    this.#pollMs = Math.max(10, Math.min(pollMaxMs, leaseMs / 10));
    this.#aliveMs = Math.ceil(this.#pollMs * pollsMissed);
    this.#orphans = new Orphans(time);
  }

  /** Stands in the queue; asks at every message and, in case one was lost, from time to time. */
  readonly take: Take<Ticket> = async (terms, attempt, [key = '']) => {
    while (this.#time.now() < attempt.deadlineMs) {
      if (attempt.left?.aborted) throw new Failure('caller-left');
      const lease = await this.#stand(terms, attempt, this.#ticket(key));
      if (lease) return lease;
    }
    throw new Failure('turn-refused');
  };

  async extend(ticket: Ticket, leaseMs: number): Promise<Ticket | undefined> {
    try {
      const answer = await extendOwned.run(this.#redis, [ticket.keys[0]], [ticket.token, leaseMs]);
      return answer === 1 ? ticket : undefined;
    } catch (error) {
      throw redisFailure(error);
    }
  }

  async give(ticket: Ticket): Promise<boolean> {
    const answer = leave.run(this.#redis, ticket.keys, [ticket.token]);
    return (await this.#orOrphaned(ticket, answer)) === 1;
  }

  async close(): Promise<void> {
    this.#orphans.close();
    this.#wakeUps.close();
  }

  async view(key: string, leaseMs: number): Promise<readonly LockState[]> {
    const [lock, queue] = queueKeys(key);
    return inspectLeases(this.#places, lock, leaseMs, redis => waitersIn(redis, queue));
  }

  /** The next in the queue is given it. */
  async release(key: string, holder: string): Promise<LockRelease> {
    const keys = queueKeys(key);
    const give = async (redis: Redis, token: string): Promise<boolean> =>
      (await leave.run(redis, keys, [token])) === 1;
    return releaseLease(this.#places, keys[0], holder, give).catch(error => {
      throw redisFailure(error);
    });
  }

  #ticket(key: string): Ticket {
    return {
      keys: queueKeys(key),
      token: `${this.#wakeUps.channel}|${Math.min(this.#leaseMs, this.#aliveMs)}|${newToken()}`,
    };
  }

  /** Undefined at the deadline, when the caller has left, or where the grant came too late to be worth starting with. */
  async #stand(
    terms: LeaseTerms<Ticket>,
    attempt: Attempt,
    ticket: Ticket,
  ): Promise<Lease<Ticket> | undefined> {
    const { now } = this.#time;
    const { left, deadlineMs } = attempt;
    const gone = departure(left);
    for (let asks = 0; now() < deadlineMs && !left?.aborted; asks += 1) {
      const bell = this.#wakeUps.listen(ticket.token);
      try {
        const askedMs = now(); // a lock that is handed over later was not ours before
        const heldMs = await this.#ask(ticket, asks > 0);
        if (heldMs === 'mine') return await worthStarting(terms, attempt, ticket, askedMs);
        const leftMs = Math.max(0, deadlineMs - now());
        const pauseMs = Math.min(this.#pollMs, leftMs, Math.max(0, heldMs) + 1);
        // after a ring it asks too: a process that stalled may read it when that lease is over
        await this.#time.sleep(pauseMs, gone ? Promise.race([bell.rung, gone]) : bell.rung);
      } finally {
        bell.stop();
      }
    }
    await this.give(ticket);
    return undefined;
  }

  /** How long the lock is held by another, in ms, or 'mine'. */
  async #ask(ticket: Ticket, stands: boolean): Promise<number | 'mine'> {
    await connected(this.#redis).catch(error => {
      if (stands) this.#giveUp(ticket); // else nothing has been sent
      throw error;
    });
    const words = [ticket.token, this.#leaseMs, this.#aliveMs];
    const sent = ask.run(this.#redis, ticket.keys, words);
    const answer = await this.#orOrphaned(ticket, sent);
    if (!Array.isArray(answer)) throw redisFailure(new Error('the script gave no list'));
    const [granted, heldMs] = answer.map(Number);
    return granted === 1 ? 'mine' : (heldMs ?? 0);
  }

  /** An answer, or what Redis refused and the place given up: it may be taken all the same. */
  async #orOrphaned<T>(ticket: Ticket, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#giveUp(ticket);
      throw redisFailure(error);
    }
  }

  #giveUp(ticket: Ticket): void {
    this.#orphans.add(() => leave.runText(this.#redis, ticket.keys, [ticket.token]));
  }
}
