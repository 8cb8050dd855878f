import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Gate, until } from '../fixtures/gate.ts';
import type { OwnRedis } from '../fixtures/redis-server.ts';
import type { Actor } from './redis-actor.ts';
import { key, type Rig } from './redis-lease-rig.ts';
import { StalledCaller } from './stalled.ts';

const lease = { leaseMs: 500 };

/**
 * A whole process stops at the worst moment, and goes on when its lease is over and another caller
 * has the key: while it waits, with a grant, an extension or a release under way, and while it holds.
 */
export function stallCases({ name, servers, one, two, owners, onAll }: Rig): void {
  let caller: StalledCaller;
  beforeAll(async () => {
    caller = await StalledCaller.start();
  });
  afterEach(async () => {
    await onAll(server => server.admin.client('UNPAUSE'));
    await caller.close();
  });
  afterAll(() => caller.kill());

  const opened = (tuning = {}): Promise<void> =>
    caller.open(
      name,
      servers.map(({ url }) => url),
      { ...lease, ...tuning },
    );
  const paused = () => onAll(server => server.admin.client('PAUSE', 600_000, 'WRITE'));
  const unpaused = () => onAll(server => server.admin.client('UNPAUSE'));
  /** The command that the caller has sent waits at every server: stopped then, it misses the reply. */
  const stalledInFlight = async (): Promise<void> => {
    await until('its command is at the servers', async () =>
      (await onAll(commandWaits)).every(Boolean),
    );
    await caller.stall();
    await unpaused();
  };
  const taken = () => until('it is granted', async () => (await owners()).every(Boolean));
  const free = () => until('its lease is over', async () => !(await owners()).some(Boolean));

  /** Wakes the caller while C works; it has looked several times before C is done. */
  const neverBeside = async (c: Actor): Promise<void> => {
    const beside = await c.turn(key, async () => {
      const mine = await owners();
      const before = await asked(servers);
      caller.wake();
      await until('it has looked', async () => {
        const enough = (await asked(servers)) >= before + 4 * servers.length;
        return enough || caller.wasInside || caller.end !== undefined;
      });
      expect(await owners()).toEqual(mine);
      return caller.wasInside;
    });
    expect(beside).toBe(false);
    expect(c.ends.at(-1)).toBe('released');
  };

  test('waiter-stall: who stalls while it waits asks again, and is no second holder', async () => {
    const [b, c] = await two();
    await opened();
    const gate = new Gate();
    const holder = b.turn(key, () => gate.pass());
    await gate.arrived;
    const before = await asked(servers);
    caller.ask(key);
    await until('it waits', async () => (await asked(servers)) >= before + 2 * servers.length);
    await caller.stall();
    gate.open(); // the lock may be handed to the one that stands still
    await holder;
    await free();
    await neverBeside(c);
    await caller.inside();
    caller.finish();
    expect(await caller.ended()).toEqual({ told: 'ended', lost: false, ends: ['released'] });
  });

  test('waiter-stall: a grant that is read after its lease is over is none', async () => {
    const c = await one();
    await opened();
    await paused();
    caller.ask(key);
    await stalledInFlight();
    await taken();
    await free();
    await neverBeside(c);
    // the connection may have been silent for too long; then it says so instead
    await until(
      'it has its turn or is refused',
      () => caller.wasInside || caller.end?.told === 'refused',
    );
  });

  test('watchdog-stall: who stalls while it holds is told before it goes on, and frees nothing', async () => {
    const c = await one();
    await opened();
    caller.ask(key);
    await caller.inside();
    await caller.stall();
    await free();
    await lateEnd(c);
  });

  test('watchdog-stall: an extension under way does not bring a lease back that is over', async () => {
    const c = await one();
    await opened({ extendLease: true });
    caller.ask(key);
    await caller.inside();
    await paused();
    await stalledInFlight();
    await free();
    await lateEnd(c);
  });

  /** The caller, which holds no more, goes on and ends while C has the key. */
  const lateEnd = async (c: Actor): Promise<void> => {
    await c.turn(key, async () => {
      const mine = await owners();
      caller.wake();
      caller.finish();
      const end = await caller.ended();
      expect(end).toEqual({ told: 'ended', lost: true, ends: ['lost'] });
      expect(await owners()).toEqual(mine);
      expect(mine).not.toContain(null);
    });
    expect(c.ends).toEqual(['released']);
  };

  test('watchdog-stall: a release whose reply is read late leaves the next holder alone', async () => {
    const c = await one();
    await opened();
    caller.ask(key);
    await caller.inside();
    await paused();
    caller.finish();
    await stalledInFlight();
    await free();
    await c.turn(key, async () => {
      const mine = await owners();
      caller.wake();
      expect(await caller.ended()).toEqual({ told: 'ended', lost: false, ends: ['released'] });
      expect(await owners()).toEqual(mine);
    });
    expect(c.ends).toEqual(['released']);
  });
}

/** A command that CLIENT PAUSE has made wait shows as a blocked client. */
async function commandWaits({ admin }: OwnRedis): Promise<boolean> {
  const clients = String(await admin.client('LIST'));
  return /\bflags=\w*b/.test(clients);
}

/** How many commands that take, prolong or give a lock all servers have run. */
async function asked(servers: readonly OwnRedis[]): Promise<number> {
  const counts = await Promise.all(
    servers.map(async ({ admin }) => {
      const stats = await admin.info('commandstats');
      const calls = stats.matchAll(/cmdstat_(?:set|eval|evalsha):calls=(\d+)/g);
      return [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
