import { expect, test } from 'vitest';
import { failures, isFailure } from '../../src/contract/index.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { endsWithin } from '../fixtures/real-time.ts';
import { leaseTuning, lossOf } from './redis-actor.ts';
import { key, type Rig, refusedAsUnavailable } from './redis-lease-rig.ts';

/** The named cases of a Redis that is killed or frozen, and of work that fails. */
export function outageCases({ servers, one, two, owners, onAll }: Rig): void {
  test('release-error-masks-result: the result is kept, the end of the release is told apart', async () => {
    const a = await one();
    const result = await a.turn(key, async () => {
      await onAll(server => server.kill());
      return 'the work is done';
    });
    expect(result).toBe('the work is done');
    expect(a.ends).toEqual(['unknown']);
  });

  test('business-error-kept: the error of the work surfaces, whatever the release says', async () => {
    const a = await one();
    const failing = a.turn(key, async () => {
      await onAll(server => server.kill());
      throw new Error('the business failed');
    });
    await expect(failing).rejects.toThrow('the business failed');
    expect(a.ends).toEqual(['unknown']);
  });

  test('down-latency: a Redis that is away is told as unavailable within 500 ms, and is used again when it is back', async () => {
    const a = await one();
    await a.turn(key, async () => 'warm');
    await onAll(server => server.kill());
    expect(failures['redis-unavailable']).toMatchObject({ outcome: 'failed', retry: false });
    for (const _ of [1, 2, 3]) {
      expect(await endsWithin(500, () => refusedAsUnavailable(a, key))).toBe(true);
    }
    await onAll(server => server.start());
    await until('a turn is granted', () => a.turn(key, async () => true).catch(() => false));
  });

  test('down-latency: a Redis that is frozen is told as unavailable within 500 ms', async () => {
    const a = await one();
    await a.turn(key, async () => 'warm');
    await onAll(server => server.freeze());
    expect(await endsWithin(500, () => refusedAsUnavailable(a, key))).toBe(true);
  });

  test('ghost-offline-queue: a command that was given up leaves no key behind', async () => {
    const a = await one();
    await onAll(server => server.freeze());
    const refused = a.turn(key, async () => 'in');
    await expect(refused).rejects.toMatchObject({ code: 'redis-unavailable' });
    await onAll(server => server.thaw());
    // what was sent before is done when the same connection answers
    const { redis, redisNodes } = a.backends;
    for (const client of [redis, ...redisNodes])
      await until('it answers again', () => client.ping().then(Boolean, () => false));
    // the lease is 30 s: a ghost would still be there
    await until('no key is left', async () => !(await owners()).some(Boolean), 20_000);
    expect(await a.turn(key, async () => 'in')).toBe('in');
  });

  test('ghost-after-freeze: a Redis that thaws after longer than a lease keeps no key for nobody', async () => {
    const a = await one();
    await a.turn(key, async () => 'warm');
    const { redis, redisNodes } = a.backends;
    const clients = servers.length > 1 ? redisNodes : [redis];
    await onAll(server => server.freeze());
    const refused: Promise<unknown>[] = [];
    const ask = () => a.turn(`ghost/${refused.length}`, async () => 'in').catch(codeOf);
    // the last ones cannot be taken back on the connection that has them: it is given up
    await until('the silent connections are given up', () => {
      refused.push(ask());
      return clients.every(({ status }) => status !== 'ready');
    });
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['redis-unavailable']));
    a.clock.aheadMs = 2 * leaseTuning.leaseMs; // to A all of those leases are over
    const frozenMs = performance.now() + 1_500;
    await until('whoever looks at that clock has looked', () => performance.now() > frozenMs);
    await onAll(server => server.thaw());
    // to the servers they begin now
    await until(
      'no key is left',
      async () => {
        const keys = await onAll(server => server.admin.keys('lockstep:lock:*'));
        return keys.flat().length === 0;
      },
      leaseTuning.leaseMs / 2,
    );
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
    expect(a.ends).toEqual(['lost']); // it was told so, and may have gone on under COMMIT
  });
}

const codeOf = (error: unknown): unknown => (isFailure(error) ? error.code : error);
