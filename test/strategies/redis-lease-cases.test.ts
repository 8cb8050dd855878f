import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failures, type Strategy } from '../../src/contract/index.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redisLease from '../../strategies/redis-lease.ts';
import redlock from '../../strategies/redlock.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { type OwnRedis, ownRedisServers } from '../fixtures/redis-server.ts';
import { type Actor, actor, lossOf } from './redis-actor.ts';

/** The named cases that every lease strategy meets in the same way, on real servers. */
const all = await ownRedisServers(3);
const strategies = [
  { name: 'redis-lease', strategy: redisLease, servers: all.slice(0, 1) },
  { name: 'redlock', strategy: redlock, servers: all },
];
const shortLease = { leaseMs: 300 };
const key = 'cases/1';

const owners = (servers: readonly OwnRedis[]): Promise<(string | null)[]> =>
  Promise.all(servers.map(server => server.admin.get(lockKey(key))));
const nobody = (servers: readonly OwnRedis[]): null[] => servers.map(() => null);
const onAll = (servers: readonly OwnRedis[], work: (server: OwnRedis) => Promise<unknown>) =>
  Promise.all(servers.map(work));

describe.each(strategies)('$name', ({ strategy, servers }) => {
  let open: Actor[] = [];
  beforeEach(() => onAll(all, server => server.fresh()));
  afterEach(async () => {
    await Promise.all(open.map(one => one.close()));
    open = [];
  });

  const actors = async (tuning: Parameters<typeof actor>[2], count = 1): Promise<Actor[]> => {
    const made = Array.from({ length: count }, () =>
      actor(strategy satisfies Strategy, servers, tuning),
    );
    open = await Promise.all(made);
    return open;
  };
  const one = async (tuning = {}): Promise<Actor> => {
    const [made] = await actors(tuning);
    if (!made) throw new Error('no actor');
    return made;
  };
  const two = async (tuning = {}): Promise<[Actor, Actor]> => {
    const [first, second] = await actors(tuning, 2);
    if (!first || !second) throw new Error('no actors');
    return [first, second];
  };

  test('gives back what it took, for one key and for several', async () => {
    const a = await one();
    expect(await a.turn(key, async () => 'done')).toBe('done');
    const keys = await a.turn(
      ['cases/1', 'cases/2'],
      () => all.slice(0, 1)[0]?.admin.keys('lockstep:lock:*') ?? Promise.resolve([]),
    );
    expect(keys.sort()).toEqual([lockKey('cases/1'), lockKey('cases/2')]);
    await until('no key is left', async () => {
      const left = await Promise.all(servers.map(server => server.admin.dbsize()));
      return left.every(count => count === 0);
    });
    expect(a.ends).toEqual(['released', 'released']);
  });

  test('several keys are all taken or none', async () => {
    const [a, b] = await two();
    const refused = a.turn('cases/2', () => b.turn(['cases/1', 'cases/2'], async () => 'in', 200));
    await expect(refused).rejects.toMatchObject({ code: 'turn-refused' });
    expect(await b.turn('cases/1', async () => 'free')).toBe('free');
  });

  test('ttl-overrun: work that outlives the lease is told, and the release says lost', async () => {
    const [a, b] = await two(shortLease);
    const reason = await a.turn(key, async held => {
      const why = await lossOf(held);
      expect(await b.turn(key, async () => 'next')).toBe('next');
      return why;
    });
    expect(reason).toMatchObject({ name: 'LeaseLost', why: 'expired' });
    expect(a.ends).toEqual(['lost']);
    expect(b.ends).toEqual(['released']);
  });

  test('ttl-overrun: the watchdog keeps a lease that is worked under', async () => {
    const [a, b] = await two({ ...shortLease, extendLease: true });
    await a.turn(key, async held => {
      // three times as long as the lease
      await expect(b.turn(key, async () => 'in', 900)).rejects.toMatchObject({
        code: 'turn-refused',
      });
      expect(held.lost?.aborted).toBe(false);
    });
    expect(a.ends).toEqual(['released']);
    expect(await b.turn(key, async () => 'in')).toBe('in');
  });

  test('watchdog-stall: after a stall whoever asks the signal is told, before any timer ran', async () => {
    const a = await one({ ...shortLease, extendLease: true });
    const stalled = await a.turn(key, async ({ lost }) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350); // the event loop stands
      return lost?.aborted;
    });
    expect(stalled).toBe(true);
    expect(a.ends).toEqual(['lost']);
  });

  test('foreign-delete: a late release leaves the key of the next holder alone', async () => {
    const [a, b] = await two();
    const gate = new Gate();
    const late = a.turn(key, () => gate.pass());
    await gate.arrived;
    await onAll(servers, server => server.admin.del(lockKey(key))); // the lease is over
    await b.turn(key, async () => {
      const mine = await owners(servers);
      gate.open();
      await late;
      expect(await owners(servers)).toEqual(mine);
      expect(mine).not.toContain(null);
    });
    expect(a.ends).toEqual(['lost']);
    expect(b.ends).toEqual(['released']);
  });

  test('late-refresh-steal: an extension after somebody else had the key is told lost, and takes nothing', async () => {
    const a = await one({ leaseMs: 600, extendLease: true });
    const reason = await a.turn(key, async held => {
      await onAll(servers, server => server.admin.set(lockKey(key), 'another'));
      await onAll(servers, server => server.admin.del(lockKey(key)));
      const why = await lossOf(held);
      expect(await owners(servers)).toEqual(nobody(servers));
      return why;
    });
    expect(reason).toMatchObject({ why: 'gone' });
    expect(a.ends).toEqual(['lost']);
  });

  test('lock-evicted: a key that vanished is told by the watchdog, or at the latest by the release', async () => {
    const a = await one({ leaseMs: 900, extendLease: true });
    const evict = () => onAll(servers, server => server.admin.unlink(lockKey(key)));
    const reason = await a.turn(key, async held => {
      await evict();
      return lossOf(held);
    });
    expect(reason).toMatchObject({ why: 'gone' });
    const unwatched = await a.turn(key, async ({ lost }) => {
      await evict();
      return lost;
    });
    expect(unwatched?.reason).toMatchObject({ why: 'gone' });
    expect(a.ends).toEqual(['lost', 'lost']);
  });

  test('slow-acquire-expired: a grant that comes too late is given back, not worked under', async () => {
    const a = await one(shortLease);
    await onAll(servers, server => server.freeze());
    const granted = a.turn(key, () => servers[0]?.admin.pttl(lockKey(key)) ?? Promise.resolve(0));
    setTimeout(() => void onAll(servers, server => server.thaw()), 200);
    expect(await granted).toBeGreaterThan(shortLease.leaseMs / 2); // of a second, fresh grant
    expect(a.ends).toEqual(['released']);
  });

  test('wait-counts-against-ttl: waiting longer than a lease leaves a full one at the grant', async () => {
    const [a, b] = await two({ leaseMs: 500, extendLease: true });
    const gate = new Gate();
    const holder = a.turn(key, () => gate.pass());
    await gate.arrived;
    const waiter = b.turn(key, async held => {
      expect(held.lost?.aborted).toBe(false);
      return servers[0]?.admin.pttl(lockKey(key));
    });
    setTimeout(() => gate.open(), 900);
    await holder;
    expect(await waiter).toBeGreaterThan(250);
    expect(b.ends).toEqual(['released']);
  });

  test('split-vote: of many at the same instant each gets its turn alone, within the limit', async () => {
    const contenders = await actors({}, 8);
    let inside = 0;
    let insideMax = 0;
    const turns = contenders.map(one =>
      one.turn(key, async () => {
        inside += 1;
        insideMax = Math.max(insideMax, inside);
        await new Promise(resolve => setImmediate(resolve));
        inside -= 1;
      }),
    );
    await Promise.all(turns);
    expect(insideMax).toBe(1);
    expect(contenders.flatMap(one => one.ends)).toEqual(contenders.map(() => 'released'));
  });

  test('release-error-masks-result: the result is kept, the end of the release is told apart', async () => {
    const a = await one();
    const result = await a.turn(key, async () => {
      await onAll(servers, server => server.kill());
      return 'the work is done';
    });
    expect(result).toBe('the work is done');
    expect(a.ends).toEqual(['unknown']);
  });

  test('business-error-kept: the error of the work surfaces, whatever the release says', async () => {
    const a = await one();
    const failing = a.turn(key, async () => {
      await onAll(servers, server => server.kill());
      throw new Error('the business failed');
    });
    await expect(failing).rejects.toThrow('the business failed');
    expect(a.ends).toEqual(['unknown']);
  });

  test('release-of-expired-is-fast: one message to each server', async () => {
    const a = await one(shortLease);
    await a.turn(key, async () => 'warm'); // from here on the servers know the scripts
    const calls = async (): Promise<number[]> =>
      Promise.all(
        servers.map(async ({ admin }) => {
          const stats = await admin.info('commandstats');
          return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
        }),
      );
    let before: number[] = [];
    await a.turn(key, async held => {
      await lossOf(held);
      await until('the servers have let go', async () => !(await owners(servers)).some(Boolean));
      before = await calls();
    });
    expect(await calls()).toEqual(before.map(count => count + 1));
    expect(a.ends).toEqual(['released', 'lost']);
  });

  test('down-latency: a Redis that is away is told as unavailable within 500 ms, and is used again when it is back', async () => {
    const a = await one();
    await a.turn(key, async () => 'warm');
    await onAll(servers, server => server.kill());
    expect(failures['redis-unavailable']).toMatchObject({ outcome: 'failed', retry: false });
    for (const _ of [1, 2, 3]) {
      const sentMs = performance.now();
      const refused = a.turn(key, async () => 'in');
      await expect(refused).rejects.toMatchObject({ code: 'redis-unavailable' });
      expect(performance.now() - sentMs).toBeLessThan(500);
    }
    await onAll(servers, server => server.start());
    await until('a turn is granted', () => a.turn(key, async () => true).catch(() => false));
  });

  test('down-latency: a Redis that is frozen is told as unavailable within 500 ms', async () => {
    const a = await one();
    await a.turn(key, async () => 'warm');
    await onAll(servers, server => server.freeze());
    const sentMs = performance.now();
    await expect(a.turn(key, async () => 'in')).rejects.toMatchObject({
      code: 'redis-unavailable',
    });
    expect(performance.now() - sentMs).toBeLessThan(500);
  });

  test('ghost-offline-queue: a command that was given up leaves no key behind', async () => {
    const a = await one();
    await onAll(servers, server => server.freeze());
    const refused = a.turn(key, async () => 'in');
    await expect(refused).rejects.toMatchObject({ code: 'redis-unavailable' });
    await onAll(servers, server => server.thaw());
    // the lease is 5 s: a ghost would still be there
    await until('no key is left', async () => !(await owners(servers)).some(Boolean), 2_000);
    expect(await a.turn(key, async () => 'in')).toBe('in');
  });

  test('a process that stops tells its holders first, then frees their keys', async () => {
    const [a, b] = await two();
    const gate = new Gate();
    let reason: unknown;
    const holder = a.turn(key, async held => {
      await Promise.all([
        gate.pass(),
        lossOf(held).then(why => {
          reason = why;
        }),
      ]);
    });
    await gate.arrived;
    await a.close();
    expect(reason).toMatchObject({ why: 'closed' });
    expect(await b.turn(key, async () => 'in')).toBe('in');
    gate.open();
    await holder;
    expect(a.ends).toEqual(['already gone']);
  });
});
