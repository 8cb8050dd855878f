import { expect, test } from 'vitest';
import { CallerClaims } from '../../bench/load/k6/claims.ts';
import { latencyText } from '../../bench/load/k6/latency-text.ts';

test('a refusal is not judged in the middle of the load, and is judged once at the end', () => {
  const claims = new CallerClaims();
  const told = { key: '7', commandId: 'c' };
  claims.acknowledge(told);
  claims.refuse('7');
  const nothing = { acknowledged: [], denied: [], refusedIds: [] };
  expect(claims.take('in the load')).toEqual([{ ...nothing, acknowledged: [told] }]);
  expect(claims.size).toBe(0);
  claims.deny(told);
  expect(claims.take('at the end')).toEqual([{ ...nothing, denied: [told], refusedIds: ['7'] }]);
  expect(claims.take('at the end')).toEqual([]);
});

test('claims are handed out in parts that a request can hold', () => {
  const claims = new CallerClaims();
  for (let at = 0; at < 1_100; at += 1) claims.refuse(String(at));
  const sizes = claims.take('at the end').map(({ refusedIds }) => refusedIds.length);
  expect(sizes).toEqual([500, 500, 100]);
});

test.each([
  [600, 'p50 / p95 / p99 / p99.9 / max ms: 1.0 / 2.0 / – / – / 5.0  (600)'],
  [9_999, 'p50 / p95 / p99 / p99.9 / max ms: 1.0 / 2.0 / 3.0 / – / 5.0  (9999)'],
  [10_000, 'p50 / p95 / p99 / p99.9 / max ms: 1.0 / 2.0 / 3.0 / 4.0 / 5.0  (10000)'],
])('%i samples carry no more percentiles than these', (count, text) => {
  const points = { count, mean: 1, min: 1, p50: 1, p95: 2, p99: 3, p999: 4, max: 5 };
  expect(latencyText('accepted', points)).toBe(`accepted     ${text}`);
});
