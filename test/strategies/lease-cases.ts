import { expect, test } from 'vitest';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { lossOf } from './redis-actor.ts';
import { key, type Rig, shortLease } from './redis-lease-rig.ts';

/** The named cases of a lease whose time passes or whose key is taken away. */
export function leaseCases({ servers, first, actors, one, two, owners, onAll }: Rig): void {
  test('gives back what it took, for one key and for several', async () => {
    const a = await one();
    expect(await a.turn(key, async () => 'done')).toBe('done');
    // redlock has its turn before the last of its nodes has voted
    await a.turn(['cases/1', 'cases/2'], () =>
      until('both are taken at the first server', async () => {
        const keys = await first.admin.keys('lockstep:lock:*');
        return keys.sort().join() === `${lockKey('cases/1')},${lockKey('cases/2')}`;
      }),
    );
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
    await onAll(server => server.admin.del(lockKey(key))); // the lease is over
    await b.turn(key, async () => {
      const mine = await owners();
      gate.open();
      await late;
      expect(await owners()).toEqual(mine);
      expect(mine).not.toContain(null);
    });
    expect(a.ends).toEqual(['lost']);
    expect(b.ends).toEqual(['released']);
  });

  test('late-refresh-steal: an extension after somebody else had the key is told lost, and takes nothing', async () => {
    const a = await one({ leaseMs: 600, extendLease: true });
    const reason = await a.turn(key, async held => {
      await onAll(server => server.admin.set(lockKey(key), 'another'));
      await onAll(server => server.admin.del(lockKey(key)));
      const why = await lossOf(held);
      expect(await owners()).toEqual(servers.map(() => null));
      return why;
    });
    expect(reason).toMatchObject({ why: 'gone' });
    expect(a.ends).toEqual(['lost']);
  });

  test('lock-evicted: a key that vanished is told by the watchdog, or at the latest by the release', async () => {
    const a = await one({ leaseMs: 900, extendLease: true });
    const evict = () => onAll(server => server.admin.unlink(lockKey(key)));
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
    const a = await one({ leaseMs: 150 });
    await onAll(server => server.freeze());
    const granted = a.turn(key, async ({ lost }) => lost?.aborted);
    setTimeout(() => void onAll(server => server.thaw()), 120); // commands wait for 300
    expect(await granted).toBe(false); // of a second grant: the time of the first was over
    expect(a.ends).toEqual(['released']);
  });

  test('wait-counts-against-ttl: waiting longer than a lease leaves a full one at the grant', async () => {
    const [a, b] = await two({ leaseMs: 500, extendLease: true });
    const gate = new Gate();
    const holder = a.turn(key, () => gate.pass());
    await gate.arrived;
    const waiter = b.turn(key, async held => {
      expect(held.lost?.aborted).toBe(false);
      return first.admin.pttl(lockKey(key));
    });
    setTimeout(() => gate.open(), 900);
    await holder;
    expect(await waiter).toBeGreaterThan(250);
    expect(b.ends).toEqual(['released']);
  });

  test('split-vote: of many at the same instant each gets its turn alone, within the limit', {
    retry: 0,
  }, async () => {
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
      await until('the servers have let go', async () => !(await owners()).some(Boolean));
      before = await calls();
    });
    expect(await calls()).toEqual(before.map(count => count + 1));
    expect(a.ends).toEqual(['released', 'lost']);
  });
}
