import { describe, expect, test } from 'vitest';
import { ownRedisUrl } from '../../fixtures/redis-server.ts';
import { gravestOf, judgedBySerialOrders } from './judging.ts';
import { others } from './other-subjects.ts';
import { racy, safe } from './subjects.ts';

const redisUrl = await ownRedisUrl();

describe('without an audit', () => {
  test.each(Object.entries(racy))('%s: some order differs', async (_, one) => {
    const found = await judgedBySerialOrders(one, redisUrl);
    expect([gravestOf(found), found.outcome, found.why]).toEqual([
      one.gravest,
      'unsafe',
      expect.stringContaining('differ from every serial order'),
    ]);
    expect(found.counterexample?.record.judgement?.differences).not.toEqual([]);
  });

  test.each(Object.entries(safe))('%s: nothing is accused', async (_, one) => {
    const found = await judgedBySerialOrders(one, redisUrl);
    expect([gravestOf(found), found.counterexample?.schedule]).toEqual([one.gravest, undefined]);
    expect(found.serial?.orders['equals a serial order']).toBe(found.orders);
    expect(found.orders).toBeGreaterThan(1);
  });

  test.each(Object.entries(others))('%s', async (_, one) => {
    const found = await judgedBySerialOrders(one, redisUrl);
    expect(gravestOf(found)).toBe(one.gravest);
    // what asks for a retry is no violation, and no caller is called safe for it
    const wrong = one.gravest === 'effects differ' || one.gravest === 'only answers differ';
    expect(found.outcome).toBe(wrong ? 'unsafe' : 'inconclusive');
  });
});
