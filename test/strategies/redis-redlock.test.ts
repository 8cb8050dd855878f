import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redlock from '../../strategies/redlock.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { type Actor, actor, lossOf } from './redis-actor.ts';

/** What several nodes add: some of them are away, or come back without their data. */
const nodes = await ownRedisServers(3);
const [first, second, third] = nodes;
if (!first || !second || !third) throw new Error('three nodes were asked for');
const key = 'nodes/1';
let open: Actor[] = [];

beforeEach(() => Promise.all(nodes.map(node => node.fresh())));
afterEach(async () => {
  await Promise.all(open.map(one => one.close()));
  open = [];
});

const opened = async (tuning = {}): Promise<Actor> => {
  const made = await actor(redlock, nodes, tuning);
  open.push(made);
  return made;
};

const votes = (): Promise<(string | null)[]> =>
  Promise.all(nodes.map(node => node.admin.get(lockKey(key))));

describe('redlock', () => {
  test.each([0, 1, 2, 4])('even-quorum: %i nodes are a refused configuration', async count => {
    const fourth = [...nodes, first];
    const refused = actor(redlock, fourth.slice(0, count));
    await expect(refused).rejects.toThrow(`odd number of independent Redis nodes`);
    await expect(refused).rejects.toThrow(`REDIS_NODES names ${count}`);
  });

  test('one-node-down: every turn of 20 is granted and given back within 500 ms', async () => {
    const a = await opened();
    await a.turn(key, async () => 'warm');
    await third.kill();
    for (let n = 0; n < 20; n += 1) {
      const sentMs = performance.now();
      await a.turn(key, async () => n);
      expect(performance.now() - sentMs).toBeLessThan(500);
    }
    expect(new Set(a.ends)).toEqual(new Set(['released']));
  });

  test('one-node-frozen: every turn of 20 is granted and given back within 500 ms', async () => {
    const a = await opened();
    await a.turn(key, async () => 'warm');
    await third.freeze();
    for (let n = 0; n < 20; n += 1) {
      const sentMs = performance.now();
      await a.turn(key, async () => n);
      expect(performance.now() - sentMs).toBeLessThan(500);
    }
    expect(new Set(a.ends)).toEqual(new Set(['released']));
    await third.thaw();
    const left = async () => (await votes()).filter(Boolean);
    // late votes may come with the thaw: the lease is 5 s, and none of them may live that long
    await until(
      'the node answers A again',
      () => a.backends.redisNodes[2]?.ping().then(Boolean, () => false) ?? false,
    );
    await until('the frozen node keeps no vote', async () => (await left()).length === 0, 2_000);
  });

  test('one-node-frozen: somebody else having the turn is still busy, not unavailable', async () => {
    const [a, b] = [await opened(), await opened()];
    await third.freeze();
    const gate = new Gate();
    const holder = a.turn(key, () => gate.pass());
    await gate.arrived;
    const refused = b.turn(key, async () => 'in', 1_000);
    await expect(refused).rejects.toMatchObject({ code: 'turn-refused' });
    gate.open();
    await holder;
  });

  test.each(['kill', 'freeze'] as const)(
    'majority-down: %s two of three: unavailable within 500 ms, not busy',
    async fault => {
      const a = await opened();
      await a.turn(key, async () => 'warm');
      await Promise.all([second[fault](), third[fault]()]);
      for (const _ of [1, 2, 3]) {
        const sentMs = performance.now();
        const refused = a.turn(key, async () => 'in');
        await expect(refused).rejects.toMatchObject({ code: 'redis-unavailable' });
        expect(performance.now() - sentMs).toBeLessThan(500);
      }
      await until('the vote of the node that is there is given back', async () => {
        return (await first.admin.get(lockKey(key))) === null;
      });
    },
  );

  test('majority-down: the watchdog tells the holder when a lease has passed without a majority', async () => {
    const a = await opened({ leaseMs: 600, extendLease: true });
    const reason = await a.turn(key, async held => {
      await Promise.all([second.kill(), third.kill()]);
      return lossOf(held);
    });
    expect(reason).toMatchObject({ why: 'expired' });
  });

  test('self-block: the own votes of a minority are given back before the next try', async () => {
    const a = await opened();
    await third.kill();
    await second.admin.set(lockKey(key), 'another', 'PX', 300);
    // two votes are needed: a vote left at the first node would be in our own way for 5 s
    expect(await a.turn(key, async () => 'in', 3_000)).toBe('in');
  });

  test('node-amnesia: a holder of two votes and a node that forgets make two holders', async () => {
    const [a, b] = [await opened(), await opened()];
    await third.kill(); // A gets two of three
    const both = await a.turn(key, async held => {
      await third.start();
      await second.kill();
      await second.start(); // without its data, inside A's lease
      await until('the nodes are back for B', () =>
        b.turn('other', async () => true).catch(() => false),
      );
      const seen = await b.turn(key, async () => !held.lost?.aborted);
      await until('A is connected again', () =>
        a.backends.redisNodes.every(({ status }) => status === 'ready'),
      );
      return seen;
    });
    expect(both).toBe(true); // documented: no lease excludes this, only a fence at the store does
    expect(a.ends).toEqual(['lost']);
  });
});
