import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { endsWithin } from '../fixtures/real-time.ts';
import type { OwnRedis } from '../fixtures/redis-server.ts';
import { type Actor, actor, lossOf } from './redis-actor.ts';
import { refusedAsUnavailable } from './redis-lease-rig.ts';

const key = 'nodes/1';

/** What several nodes add: some of them are away, or come back without their data. */
export function redlockCases(strategy: Strategy, nodes: readonly OwnRedis[]): void {
  const quorum = Math.floor(nodes.length / 2) + 1;
  const minority = nodes.slice(quorum); // the rest is just enough
  const majority = nodes.slice(quorum - 1);
  let open: Actor[] = [];

  beforeEach(() => Promise.all(nodes.map(node => node.fresh())));
  afterEach(async () => {
    await Promise.all(open.map(one => one.close()));
    open = [];
  });

  const opened = async (tuning = {}): Promise<Actor> => {
    const made = await actor(strategy, nodes, tuning);
    open.push(made);
    return made;
  };
  const all = (some: readonly OwnRedis[], what: 'kill' | 'freeze' | 'thaw') =>
    Promise.all(some.map(node => node[what]()));
  const votes = async (): Promise<string[]> => {
    const owners = await Promise.all(nodes.map(node => node.admin.get(lockKey(key))));
    return owners.filter(owner => owner !== null);
  };

  test.each([0, 1, 2, 4])('even-quorum: %i nodes are a refused configuration', async count => {
    const four = [...nodes, ...nodes].slice(0, 4);
    const refused = actor(strategy, four.slice(0, count));
    await expect(refused).rejects.toThrow(`odd number of independent Redis nodes`);
    await expect(refused).rejects.toThrow(`REDIS_NODES names ${count}`);
  });

  test.each(['kill', 'freeze'] as const)(
    'one-node-down, one-node-frozen: %s as many as may be: every turn of 10 is had within 500 ms',
    async fault => {
      const a = await opened();
      await a.turn(key, async () => 'warm');
      await all(minority, fault);
      for (let n = 0; n < 10; n += 1) {
        expect(await endsWithin(500, () => a.turn(key, async () => n))).toBe(true);
      }
      expect(new Set(a.ends)).toEqual(new Set(['released']));
      if (fault === 'kill') return;
      await all(minority, 'thaw');
      // late votes may come with the thaw: the lease is 30 s, and none of them may live that long
      await until('the nodes answer A again', async () => {
        const pings = a.backends.redisNodes.map(node => node.ping().catch(() => undefined));
        return (await Promise.all(pings)).every(pong => pong !== undefined);
      });
      await until('no vote is kept', async () => (await votes()).length === 0, 20_000);
    },
  );

  test('one-node-frozen: somebody else having the turn is still busy, not unavailable', async () => {
    const [a, b] = [await opened(), await opened()];
    await all(minority, 'freeze');
    const gate = new Gate();
    const holder = a.turn(key, () => gate.pass());
    await gate.arrived;
    const refused = b.turn(key, async () => 'in', 1_000);
    await expect(refused).rejects.toMatchObject({ code: 'turn-refused' });
    gate.open();
    await holder;
  });

  test.each(['kill', 'freeze'] as const)(
    'majority-down: %s one too many: unavailable within 500 ms, not busy',
    async fault => {
      const a = await opened();
      await a.turn(key, async () => 'warm');
      await all(majority, fault);
      for (const _ of [1, 2, 3]) {
        expect(await endsWithin(500, () => refusedAsUnavailable(a, key))).toBe(true);
      }
      await until('the votes of the nodes that are there are given back', async () => {
        const there = nodes.slice(0, quorum - 1);
        const owners = await Promise.all(there.map(node => node.admin.get(lockKey(key))));
        return !owners.some(Boolean);
      });
    },
  );

  test('majority-down: the watchdog tells the holder that its lease is lost', async () => {
    const a = await opened({ leaseMs: 600, extendLease: true });
    const reason = await a.turn(key, async held => {
      await all(majority, 'kill');
      return lossOf(held);
    });
    expect(reason).toMatchObject({ name: 'LeaseLost' });
    expect(a.ends).toEqual(['lost']);
  });

  test('self-block: the own votes of a minority are given back before the next try', async () => {
    const a = await opened();
    const [last] = majority;
    await all(minority, 'kill');
    await last?.admin.set(lockKey(key), 'another', 'PX', 300);
    // one vote more is needed: a vote left at the first node would be in our own way for 5 s
    expect(await a.turn(key, async () => 'in', 3_000)).toBe('in');
  });

  test('node-amnesia: a holder of just enough votes and a node that forgets make two holders', async () => {
    const [a, b] = [await opened(), await opened()];
    const [forgets] = majority;
    await all(minority, 'kill'); // A gets just enough
    const both = await a.turn(key, async held => {
      await Promise.all(minority.map(node => node.start()));
      await forgets?.kill();
      await forgets?.start(); // without its data, inside A's lease
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
}
