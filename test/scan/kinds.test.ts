import { describe, expect, test } from 'vitest';
import { kindOf } from '../../src/scan/kinds.ts';
import { planOf } from '../../src/scan/pairs.ts';
import { requestOf } from './requests.ts';

describe('kinds of requests', () => {
  test.each([
    ['POST', '/offers/17/accept', 'POST /offers/:id/accept'],
    ['GET', '/users/ann@example.com?full=1', 'GET /users/:id'],
    ['GET', '/orders/3f2b8c1e-0d4a-4b6f-9c55-0123456789ab', 'GET /orders/:id'],
    ['GET', '/v2/health', 'GET /v2/health'],
    ['POST', '/coupons/SUMMER2026XYZABCDE/claims', 'POST /coupons/:id/claims'],
    ['GET', '/', 'GET /'],
  ])('%s %s', (method, path, kind) => {
    expect(kindOf({ method, path })).toBe(kind);
  });
});

describe('the pairs that stand for all', () => {
  test('each kind with itself, two users of one resource, and every two kinds', () => {
    const { pairs, untried } = planOf([
      requestOf(1, 'POST', '/slots/1/bookings', '{"who":"ann"}'),
      requestOf(2, 'POST', '/slots/1/bookings', '{"who":"bob"}'),
      requestOf(3, 'GET', '/slots/1'),
    ]);
    const ids = pairs.map(({ first, second }) => `${first.id}-${second.id}`);
    expect(ids).toEqual(['1-1', '1-2', '1-3', '2-3', '3-3']);
    expect(untried).toBe(1); // 2-2 is of the same kind as 1-1
  });

  test('a thousand requests of two kinds are few pairs, and the others are counted', () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      requestOf(at + 1, at % 2 === 0 ? 'POST' : 'GET', `/slots/${at}/bookings`),
    );
    const { pairs, untried } = planOf(many);
    expect(pairs.length).toBeLessThanOrEqual(8);
    expect(pairs.length + untried).toBe(500_500);
  });

  test('requests on one resource go before neighbours on two', () => {
    const { pairs } = planOf([
      requestOf(1, 'POST', '/slots/7/bookings', '{"who":"ann"}'),
      requestOf(2, 'POST', '/slots/8/bookings', '{"who":"bob"}'),
      requestOf(3, 'POST', '/slots/9/bookings', '{"who":"eve"}'),
      requestOf(4, 'POST', '/slots/7/bookings', '{"who":"joe"}'),
    ]);
    expect(pairs.map(({ first, second }) => `${first.id}-${second.id}`)).toContain('1-4');
  });
});
