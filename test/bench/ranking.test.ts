import { describe, expect, it } from 'vitest';
import { randomOf } from '../../bench/lab/random.ts';
import { placesOf, ratioInterval } from '../../bench/lab/ranking.ts';
import { holm, twoSidedP, twoSidedT, welch } from '../../bench/lab/student.ts';

/** A standard normal value (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe('Student’s t', () => {
  it('agrees with the published tables', () => {
    // https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm
    for (const [degrees, t] of [
      [1, 12.706],
      [4, 2.776],
      [10, 2.228],
      [30, 2.042],
      [100, 1.984],
    ] as const) {
      expect(twoSidedT(0.05, degrees)).toBeCloseTo(t, 3);
      expect(twoSidedP(t, degrees)).toBeCloseTo(0.05, 4);
    }
    expect(twoSidedP(-2.776, 4)).toBeCloseTo(0.05, 4);
    expect(twoSidedP(1.959964, 1e9)).toBeCloseTo(0.05, 6);
  });

  it('tests two means as SciPy does', () => {
    // scipy.stats.ttest_ind(a, b, equal_var=False): t = -4.352452, df = 6.316032, p = 0.004263588
    const found = welch([5.1, 4.9, 5.6, 5, 5.3], [5.9, 6.1, 5.7, 6.4]);
    expect(found?.difference).toBeCloseTo(0.845, 10);
    expect(found?.p).toBeCloseTo(0.004263588, 8);
    expect(welch([1], [1, 2])).toBeUndefined();
    expect(welch([2, 2], [2, 2])?.p).toBe(1);
    expect(welch([2, 2], [3, 3])?.p).toBe(0);
  });

  it('cries wolf in one run of twenty at most, over forty figures', () => {
    const random = randomOf(7, 'holm');
    const sample = () => Array.from({ length: 5 }, () => normal(random));
    let wrong = 0;
    for (let run = 0; run < 200; run += 1) {
      const ps = Array.from({ length: 40 }, () => welch(sample(), sample())?.p ?? 1);
      if (holm(ps).some(p => p < 0.05)) wrong += 1;
    }
    expect(wrong).toBeLessThanOrEqual(16); // 5 % of 200, and two standard deviations
  });

  it('keeps the order of p-values, and finds what is there', () => {
    expect(holm([0.04, 0.001, 0.03])).toEqual([0.06, 0.003, 0.06]);
    expect(holm([])).toEqual([]);
  });
});

describe('the interval of a ratio', () => {
  it('holds the truth in about 95 of 100 runs of five blocks', () => {
    const random = randomOf(3, 'coverage');
    let held = 0;
    const runs = 300;
    for (let run = 0; run < runs; run += 1) {
      const ratios = Array.from({ length: 5 }, () => 1.3 * Math.exp(0.2 * normal(random)));
      const found = ratioInterval(ratios, random);
      if (found && found.low <= 1.3 && found.high >= 1.3) held += 1;
    }
    expect(held / runs).toBeGreaterThan(0.9);
    expect(held / runs).toBeLessThan(0.99);
  });

  it('needs two blocks', () => {
    expect(ratioInterval([], Math.random)).toBeUndefined();
    expect(ratioInterval([2], Math.random)).toBeUndefined();
    expect(() => ratioInterval([1, 0], Math.random)).toThrow('expected ratios > 0');
  });
});

describe('places', () => {
  it('are shared where intervals overlap', () => {
    const cheap = { low: 1, high: 1.2 };
    const alike = { low: 1.1, high: 1.4 };
    const dear = { low: 1.3, high: 1.6 };
    const dearest = { low: 2, high: 3 };
    expect(placesOf([dearest, alike, cheap, dear])).toEqual([4, 1, 1, 2]);
  });
});
