import { afterEach, beforeEach, describe, expect } from 'vitest';
import type { Strategy, Tuning } from '../../src/contract/index.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redisLease from '../../strategies/redis-lease.ts';
import redisLeaseFenced from '../../strategies/redis-lease-fenced.ts';
import redisLeaseQueued from '../../strategies/redis-lease-queued.ts';
import redlock from '../../strategies/redlock.ts';
import redlock4 from '../../strategies/redlock-4.ts';
import { realTime } from '../fixtures/real-time.ts';
import type { OwnRedis } from '../fixtures/redis-server.ts';
import { type Actor, actor } from './redis-actor.ts';

export const key = 'cases/1';
/** Expects that a turn is refused because the servers do not answer. */
export const refusedAsUnavailable = (one: Actor, wanted: string): Promise<void> =>
  expect(one.turn(wanted, async () => 'in')).rejects.toMatchObject({ code: 'redis-unavailable' });

export const shortLease = { leaseMs: 300 };

/** What the cases of one strategy are written with. */
export interface Rig {
  /** Name of the strategy. */
  readonly name: string;
  /** All servers that the strategy asks. */
  readonly servers: readonly OwnRedis[];
  readonly first: OwnRedis;
  actors(tuning: Partial<Tuning>, count: number): Promise<Actor[]>;
  one(tuning?: Partial<Tuning>): Promise<Actor>;
  two(tuning?: Partial<Tuning>): Promise<readonly [Actor, Actor]>;
  /** Whose the key is, at each server. */
  owners(): Promise<(string | null)[]>;
  onAll<T>(work: (server: OwnRedis) => Promise<T>): Promise<T[]>;
}

/** A lease strategy and on how many servers it runs. */
export interface Leasing {
  readonly name: string;
  readonly strategy: Strategy;
  readonly servers: number;
}

export const usualLeases: readonly Leasing[] = [
  { name: 'redis-lease', strategy: redisLease, servers: 1 },
  { name: 'redis-lease-queued', strategy: redisLeaseQueued, servers: 1 },
  { name: 'redlock', strategy: redlock, servers: 3 },
];

/** Those and their kin. */
export const allLeases: readonly Leasing[] = [
  ...usualLeases,
  { name: 'redis-lease-fenced', strategy: redisLeaseFenced, servers: 1 },
  { name: 'redlock-4', strategy: redlock4, servers: 3 },
];

/** Runs the same cases for every lease strategy, each test on fresh servers with actors that are closed. */
export function forEveryLease(
  all: readonly OwnRedis[],
  leases: readonly Leasing[],
  cases: (rig: Rig) => void,
): void {
  for (const { name, strategy, servers: count } of leases) {
    const servers = all.slice(0, count);
    describe(name, realTime, () => {
      let open: Actor[] = [];
      beforeEach(() => Promise.all(all.map(server => server.fresh())));
      afterEach(async () => {
        await Promise.all(open.map(one => one.close()));
        open = [];
      });
      const actors = async (tuning: Partial<Tuning>, count: number): Promise<Actor[]> => {
        const made = Array.from({ length: count }, () => actor(strategy, servers, tuning));
        open = await Promise.all(made);
        return open;
      };
      cases({
        name,
        servers,
        first: present(servers[0]),
        actors,
        one: async (tuning = {}) => present((await actors(tuning, 1))[0]),
        two: async (tuning = {}) => {
          const [first, second] = await actors(tuning, 2);
          return [present(first), present(second)];
        },
        owners: () => Promise.all(servers.map(server => server.admin.get(lockKey(key)))),
        onAll: work => Promise.all(servers.map(work)),
      });
    });
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing was opened');
  return value;
}
