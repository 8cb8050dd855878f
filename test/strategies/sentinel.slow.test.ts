import { afterAll, describe, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import redisLease from '../../strategies/redis-lease.ts';
import redisLeaseFenced from '../../strategies/redis-lease-fenced.ts';
import redisLeaseQueued from '../../strategies/redis-lease-queued.ts';
import { until } from '../fixtures/gate.ts';
import { endsWithin } from '../fixtures/real-time.ts';
import { watchedRedis } from '../fixtures/sentinels.ts';
import { type Actor, actor } from './redis-actor.ts';

/** A real failover: three sentinels, a primary that is killed, a replica that takes over. */
const watched = await watchedRedis();
const all: readonly (readonly [name: string, strategy: Strategy])[] = [
  ['redis-lease', redisLease],
  ['redis-lease-queued', redisLeaseQueued],
  ['redis-lease-fenced', redisLeaseFenced],
];
const actors = new Map<string, Actor>();
afterAll(() => Promise.all([...actors.values()].map(one => one.close())));

const through = (name: string): Promise<string> => {
  const one = actors.get(name);
  if (!one) throw new Error(`${name} is not open`);
  return one.turn(`failover/${name}`, async () => 'in', 2_000);
};

/** Half a second until the sentinels call it down, an election, and a reconnect of ours. */
const backWithinMs = 15_000;

describe('a lock store behind sentinels', () => {
  test('is found through them, and serves every lease strategy', async () => {
    for (const [name, strategy] of all) {
      actors.set(name, await actor(strategy, [watched]));
      expect(await through(name)).toBe('in');
    }
    expect(await watched.primaryPort()).toBe(watched.primary.port);
    expect(await watched.primary.admin.get('lockstep:fence')).toBe('1'); // it was this one
  });

  test('fails at once while its primary is gone, and serves again after the failover', async () => {
    const startMs = performance.now();
    await watched.primary.kill();
    for (const [name] of all)
      expect(await endsWithin(1_500, () => through(name).catch(() => {}))).toBe(true);
    for (const [name] of all) {
      await until(
        `${name} serves again`,
        () =>
          through(name).then(
            () => true,
            () => false,
          ),
        backWithinMs,
      );
      console.log(
        `${name} serves again ${Math.round(performance.now() - startMs)} ms after the kill`,
      );
    }
    expect(await watched.primaryPort()).toBe(watched.replica.port);
    expect(Number(await watched.replica.admin.get('lockstep:fence'))).toBeGreaterThan(1);
  });

  test('follows when the primary is demoted while it is connected', async () => {
    await watched.primary.start(); // the sentinels make it a replica
    await until('it follows', async () =>
      (await watched.primary.admin.info('replication')).includes('master_link_status:up'),
    );
    await until('the sentinels know that it follows', () =>
      watched.failover().then(
        () => true,
        () => false,
      ),
    );
    await until('the other is the primary', async () => {
      return (await watched.primaryPort()) === watched.primary.port;
    });
    for (const [name] of all)
      await until(
        `${name} serves at the new primary`,
        () =>
          through(name).then(
            () => true,
            () => false,
          ),
        backWithinMs,
      );
    // the old one grants until the sentinels tell it too: two holders, under this client or another
    const before = Number(await watched.primary.admin.get('lockstep:fence'));
    await until('it has gone over', async () => {
      await through('redis-lease-fenced').catch(() => {});
      return Number(await watched.primary.admin.get('lockstep:fence')) > before;
    });
  });

  test('outlives the loss of a sentinel', async () => {
    await watched.sentinels[0]?.signal('SIGKILL');
    await watched.sentinels[0]?.exited;
    const late = await actor(redisLease, [watched]);
    expect(await late.turn('failover/late', async () => 'in')).toBe('in');
    await late.close();
  });
});
