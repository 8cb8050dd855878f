import { describe, expect, test } from 'vitest';
import { ecdfShares, ecdfSvg, quantilesOf } from '../../bench/page/ecdf.ts';
import { tradeoffSvg } from '../../bench/page/tradeoff.ts';

describe('a distribution', () => {
  const sample = (n: number, times = 1) => Array.from({ length: n }, (_, at) => (at + 1) * times);

  test('has quantiles by nearest rank, as far up as two samples lie beyond', () => {
    const found = quantilesOf(sample(1_000));
    expect(found[ecdfShares.indexOf(0.5)]).toBe(500);
    expect(found[ecdfShares.indexOf(0.998)]).toBe(998);
    expect(found).toHaveLength(ecdfShares.length - 1);
    expect(quantilesOf(sample(10))).toHaveLength(ecdfShares.indexOf(0.8) + 1);
    expect(quantilesOf([])).toEqual([]);
  });

  test('is drawn with its band and its number of samples, slower to the right', () => {
    const { html } = ecdfSvg({
      label: 'latency',
      unit: 'ms',
      lines: [
        { name: 'quick', count: 300, repetitions: [sample(100), sample(200, 2)].map(quantilesOf) },
        { name: 'slow', count: 100, repetitions: [quantilesOf(sample(100, 10))] },
      ],
    });
    expect(html).toContain('quick, n = 300 in 2');
    const xs = [...html.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = '']) =>
      points.split(' ').map(point => Number(point.split(',')[0])),
    );
    const [quick = [], slow = []] = xs;
    for (const [at, x] of quick.entries())
      if (slow[at] !== undefined) expect(slow[at]).toBeGreaterThan(x);
    const ys = [...(html.match(/<polyline points="([^"]+)"/)?.[1] ?? '').matchAll(/,([\d.]+)/g)];
    expect(ys.map(([, y]) => Number(y))).toEqual(
      ys.map(([, y]) => Number(y)).toSorted((a, b) => b - a),
    );
  });

  test('without samples is said to be none', () => {
    expect(ecdfSvg({ label: '', unit: 'ms', lines: [] }).html).toContain('Nothing was measured');
  });
});

test('a trade-off shows cost, interval, number of samples, and a mark per event', () => {
  const interval = (middle: number) => ({ low: middle - 1, middle, high: middle + 1, count: 60 });
  const { html } = tradeoffSvg({
    ...{ label: 'all', measures: ['alone', '8 at once'], unit: 'ms', events: ['stall', 'crash'] },
    rows: [
      { name: 'cheap', asks: 'nothing', costs: [interval(3), interval(20)], marks: ['✓', '~✗'] },
      { name: 'dear', asks: 'redis', costs: [interval(30), interval(200)], marks: ['–', '?'] },
      { name: 'unknown', asks: '', marks: [] },
    ],
  });
  expect(html).toContain('n ≥ 60');
  expect(html).toContain('stall: ✓');
  expect(html).toContain('crash: ~✗');
  expect(html).toContain('not measured');
  const centres = [...html.matchAll(/cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  expect(centres).toEqual(centres.toSorted((a, b) => a - b));
});
