import { describe, expect, test } from 'vitest';
import { randomOf, shuffled } from '../../bench/lab/random.ts';
import {
  designEffect,
  familyBound,
  merged,
  percentile,
  pointsOf,
  quantile,
  ruleOfThree,
  spreadOf,
  tailOf,
} from '../../bench/lab/statistics.ts';
import { quantiles } from '../../bench/page/format.ts';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

describe('percentiles are values that were measured', () => {
  test.each([
    { n: 1, share: 0.5, value: 1 },
    { n: 2, share: 0.5, value: 1 },
    { n: 3, share: 0.5, value: 2 },
    { n: 100, share: 0.95, value: 95 },
    { n: 100, share: 0.99, value: 99 },
    { n: 10, share: 0.99, value: 10 },
    { n: 10, share: 0, value: 1 },
    { n: 10, share: 1, value: 10 },
  ])('p$share of 1 to $n is $value', ({ n, share, value }) => {
    expect(percentile(upTo(n), share)).toBe(value);
  });

  test('the order of the sample does not matter, and it is not changed', () => {
    const sample = [5, 1, 4, 2, 3];
    expect(pointsOf(sample)).toEqual({ count: 5, p50: 3, p90: 5, p95: 5, p99: 5, max: 5 });
    expect(sample).toEqual([5, 1, 4, 2, 3]);
  });

  test('nothing measured is not 0', () => {
    expect(pointsOf([])).toBeUndefined();
    expect(spreadOf([])).toBeUndefined();
  });
});

test.each([
  { repetitions: [3], spread: { median: 3, min: 3, max: 3 } },
  { repetitions: [3, 1], spread: { median: 2, min: 1, max: 3 } },
  { repetitions: [9, 1, 2], spread: { median: 2, min: 1, max: 9 } },
])('the middle of $repetitions is $spread.median', ({ repetitions, spread }) => {
  expect(spreadOf(repetitions)).toEqual(spread);
});

describe('quantiles of a histogram', () => {
  const histogram = { bounds: [1, 2, 4], counts: [10, 10, 0, 0], sum: 30, count: 20 };

  test.each([
    { share: 0.25, value: 0.5 },
    { share: 0.5, value: 1 },
    { share: 0.75, value: 1.5 },
    { share: 1, value: 2 },
  ])('q$share lies at $value', ({ share, value }) => {
    expect(quantile(histogram, share)).toEqual({ value, atLeast: false });
  });

  test('beyond the last bound it is at least that bound, and printed so', () => {
    const open = { ...histogram, counts: [0, 19, 0, 1], count: 20 };
    expect(quantile(open, 0.99)).toEqual({ value: 4, atLeast: true });
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map(share => quantile(open, share));
    expect(quantiles({ p50, p95, p99 })).toBe('1.53 / 2.00 / ≥ 4.00');
    expect(quantiles({ p50, p95: undefined, p99: undefined })).toBe('1.53 / – / –');
  });

  test('an empty one has none', () => {
    expect(quantile({ ...histogram, counts: [0, 0, 0, 0], count: 0 }, 0.5)).toBeUndefined();
  });

  test('two add up, unless their buckets differ', () => {
    expect(merged([histogram, histogram])).toEqual({
      bounds: [1, 2, 4],
      counts: [20, 20, 0, 0],
      sum: 60,
      count: 40,
    });
    expect(() => merged([histogram, { ...histogram, bounds: [1, 2, 5] }])).toThrow(/buckets/);
  });
});

test.each([
  { n: 0, bound: 1 },
  { n: 3, bound: 1 },
  { n: 30, bound: 0.1 },
  { n: 300, bound: 0.01 },
])('after 0 of $n the share may still be $bound', ({ n, bound }) => {
  expect(ruleOfThree(n)).toBeCloseTo(bound);
});

test('the bound for many cells at once is wider, for one it is that of three', () => {
  expect(familyBound(300, 1)).toBeCloseTo(ruleOfThree(300), 3);
  expect(familyBound(300, 200)).toBeCloseTo(Math.log(4_000) / 300);
  expect(familyBound(2, 200)).toBe(1);
  expect(familyBound(0, 1)).toBe(1);
});

describe('keys that fail together', () => {
  const same = { failed: 50, keys: 100 };

  test('count as independent where every repetition fails alike', () => {
    expect(designEffect([same, same, same])).toBe(1);
    expect(
      designEffect([
        { failed: 45, keys: 100 },
        { failed: 52, keys: 100 },
      ]),
    ).toBe(1);
  });

  test('count as few where one repetition fails and the other does not', () => {
    // 100 (0.5² + 0.5²) / 1 / (0.5 · 0.5)
    expect(
      designEffect([
        { failed: 100, keys: 100 },
        { failed: 0, keys: 100 },
      ]),
    ).toBe(200);
  });

  test('tell nothing in one repetition, or if none or all failed', () => {
    expect(designEffect([same])).toBe(1);
    expect(designEffect([])).toBe(1);
    expect(
      designEffect([
        { failed: 0, keys: 9 },
        { failed: 0, keys: 9 },
      ]),
    ).toBe(1);
    expect(
      designEffect([
        { failed: 9, keys: 9 },
        { failed: 8, keys: 8 },
      ]),
    ).toBe(1);
  });
});

test.each([
  [1_000, 'p99', 990],
  [999, 'p95', 950],
  [199, 'p90', 180],
  [99, 'p50', 50],
] as const)('a sample of %i carries its %s', (n, name, value) => {
  const points = pointsOf(upTo(n));
  expect(points && tailOf(points)).toEqual({ name, value });
});

describe('chance repeats', () => {
  const draw = (seed: number, purpose: string): number[] => {
    const random = randomOf(seed, purpose);
    return Array.from({ length: 1_000 }, random);
  };

  test('the same seed and purpose draw the same, others do not', () => {
    expect(draw(1, 'load')).toEqual(draw(1, 'load'));
    expect(draw(1, 'load')).not.toEqual(draw(2, 'load'));
    expect(draw(1, 'load')).not.toEqual(draw(1, 'order'));
  });

  test('it is spread evenly over [0, 1)', () => {
    const drawn = draw(42, 'load');
    expect(drawn.every(value => value >= 0 && value < 1)).toBe(true);
    const tenths = upTo(10).map(n => drawn.filter(value => Math.ceil(value * 10) === n).length);
    expect(Math.min(...tenths)).toBeGreaterThan(60);
  });

  test('a shuffled list has the same things, and not always in the same order', () => {
    const orders = upTo(20).map(seed => shuffled(upTo(6), randomOf(seed, 'order')));
    for (const order of orders) expect(order.toSorted()).toEqual(upTo(6));
    expect(new Set(orders.map(String)).size).toBeGreaterThan(10);
  });
});
