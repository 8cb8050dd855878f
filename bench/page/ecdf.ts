/**
 * How a time is distributed, as inline SVG: the share of samples that took at most so long, upwards in
 * steps of ten so that the tail is seen, with a band from the lowest to the highest repetition. Pure.
 */
import { element, type Html } from './element.ts';
import { figure } from './format.ts';

export interface Ecdf {
  readonly label: string;
  readonly unit: string;
  readonly lines: readonly EcdfLine[];
}

export interface EcdfLine {
  readonly name: string;
  /** Samples over all repetitions. */
  readonly count: number;
  /** Quantiles of each repetition at `ecdfShares`, as far up as its sample reaches. */
  readonly repetitions: readonly (readonly number[])[];
}

/** Where quantiles are kept. */
export const ecdfShares = [
  ...[0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  ...[0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999],
] as const;

/** The quantiles of a sample, nearest rank; none that fewer than two samples lie beyond. */
export function quantilesOf(sample: readonly number[]): readonly number[] {
  const sorted = sample.toSorted((a, b) => a - b);
  return ecdfShares
    .filter(share => sorted.length - Math.ceil(share * sorted.length) >= 2)
    .map(share => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
}

const width = 400;
const height = 260;
const margin = { left: 40, right: 8, top: 22, bottom: 30 } as const;
/** Lines are told apart without colour. */
const dashes = ['', '6 3', '2 3', '8 3 2 3', '1 4', '12 4'];
const legendRow = 15;

export function ecdfSvg({ label, unit, lines }: Ecdf): Html {
  const all = lines.flatMap(({ repetitions }) => repetitions.flat()).filter(value => value > 0);
  if (all.length === 0) return element('p', 'Nothing was measured.', { class: 'note' });
  const x = logScale(Math.min(...all), Math.max(...all));
  const drawn = lines.flatMap((line, index) => lineSvg(line, index, x));
  const total = height + lines.length * legendRow;
  return element('svg', [...axes(x, all, unit), ...drawn], {
    viewBox: `0 0 ${width} ${total}`,
    role: 'img',
    'aria-label': label,
    style: 'max-width:38rem;width:100%;height:auto;margin:1rem 0',
  });
}

type Scale = (value: number) => number;

function lineSvg({ name, count, repetitions }: EcdfLine, index: number, x: Scale): Html[] {
  const points = ecdfShares.flatMap((share, at) => {
    const values = repetitions.flatMap(one => one[at] ?? []).toSorted((a, b) => a - b);
    const [low, high] = [values[0], values.at(-1)];
    const middle = values[Math.floor((values.length - 1) / 2)];
    if (low === undefined || high === undefined || middle === undefined) return [];
    return [{ y: y(share), low: x(low), middle: x(middle), high: x(high) }];
  });
  if (points.length === 0) return [];
  const band = [
    ...points.map(point => [point.low, point.y]),
    ...points.toReversed().map(point => [point.high, point.y]),
  ];
  const dash = dashes[index % dashes.length] || undefined;
  const below = height + index * legendRow + 8;
  return [
    element('polygon', '', { points: path(band), fill: 'currentColor', opacity: '0.1' }),
    element('polyline', '', {
      ...{ points: path(points.map(point => [point.middle, point.y])), fill: 'none' },
      ...{ stroke: 'currentColor', 'stroke-width': '1.4', 'stroke-dasharray': dash },
    }),
    element('line', '', {
      ...{ x1: '8', y1: String(below - 4), x2: '36', y2: String(below - 4) },
      ...{ stroke: 'currentColor', 'stroke-width': '1.4', 'stroke-dasharray': dash },
    }),
    text(`${name}, n = ${count} in ${repetitions.length}`, 42, below),
  ];
}

const path = (points: readonly (readonly number[])[]): string =>
  points.map(point => point.map(value => value.toFixed(1)).join(',')).join(' ');

const decadesMax = 3;

/** 0 %, 90 %, 99 % and 99.9 % are as far from each other. */
function y(share: number): number {
  const decades = Math.min(decadesMax, -Math.log10(1 - share));
  return height - margin.bottom - (decades / decadesMax) * (height - margin.bottom - margin.top);
}

function logScale(least: number, most: number): Scale {
  const span = Math.log(Math.max(most, least * 1.01) / least);
  const wide = width - margin.left - margin.right;
  return value => margin.left + (Math.log(value / least) / span) * wide;
}

function axes(x: Scale, values: readonly number[], unit: string): Html[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000].filter(
    value => value >= least && value <= most,
  );
  return [
    text(unit, margin.left, 12),
    ...[0.5, 0.9, 0.99, 0.999].flatMap(share => [
      text(`${share * 100} %`, margin.left - 4, y(share) + 3, 'end'),
      element('line', '', {
        ...{ x1: String(margin.left), y1: y(share).toFixed(1), y2: y(share).toFixed(1) },
        ...{ x2: String(width - margin.right), stroke: 'currentColor', 'stroke-width': '0.2' },
      }),
    ]),
    ...ticks.map(value => text(figure(value), x(value), height - margin.bottom + 14, 'middle')),
  ];
}

function text(content: string, x: number, y: number, anchor?: 'middle' | 'end'): Html {
  return element('text', content, {
    ...{ x: x.toFixed(1), y: y.toFixed(1), 'font-size': '10', fill: 'currentColor' },
    'text-anchor': anchor,
  });
}
