/** A line chart as inline SVG. Axes are logarithmic if all values are positive, unless they start at 0. Pure. */
import { element, type Html } from './element.ts';
import { figure } from './format.ts';

/** The data of a line chart. */
export interface Chart {
  readonly axis: string;
  readonly unit: string;
  /** Both axes start at 0 and have equal steps. */
  readonly fromZero?: boolean;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

const width = 720;
const height = 300;
const margin = { left: 60, right: 170, top: 16, bottom: 40 } as const;

/** Lines are distinguishable without colour: each has its own dash pattern, and its name at the end. */
const dashes = ['', '6 3', '2 3', '8 3 2 3', '1 4', '12 4'];

export function chartSvg({ axis, unit, fromZero = false, lines }: Chart): Html {
  const xs = lines.flatMap(line => line.points.map(([x]) => x));
  const ys = lines.flatMap(line => line.points.map(([, y]) => y));
  if (xs.length === 0) return element('p', 'Nothing was measured.', { class: 'note' });
  const [xTicks, yTicks] = fromZero
    ? [linearTicks(0, Math.max(...xs)), linearTicks(0, Math.max(...ys))]
    : [ticks(xs), ticks(ys)];
  const [allX, allY] = fromZero
    ? [
        [...xs, ...xTicks],
        [...ys, ...yTicks],
      ]
    : [xs, ys];
  const x = scale(allX, margin.left, width - margin.right);
  const y = scale(allY, height - margin.bottom, margin.top);
  const marks = [
    ...xTicks.map(value => text(figure(value), x(value), height - margin.bottom + 16, 'middle')),
    ...yTicks.map(value => text(figure(value), margin.left - 8, y(value) + 4, 'end')),
    text(axis, (margin.left + width - margin.right) / 2, height - 6, 'middle'),
    text(unit, margin.left, margin.top - 4, 'start'),
  ];
  const drawn = lines.flatMap(({ name, points }, index) => {
    const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
    const last = points.at(-1);
    if (!last) return [];
    return [
      element('polyline', '', {
        points: path,
        fill: 'none',
        stroke: 'currentColor',
        'stroke-width': '1.5',
        'stroke-dasharray': dashes[index % dashes.length] || undefined,
      }),
      text(name, x(last[0]) + 8, y(last[1]) + 4 + (index % 3) * 3, 'start'),
    ];
  });
  return element('svg', [...marks, ...drawn], {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': `${unit} over ${axis}`,
    style: 'max-width:46rem;width:100%;height:auto;margin-top:1rem',
  });
}

function text(content: string, x: number, y: number, anchor: string): Html {
  return element('text', content, {
    x: x.toFixed(1),
    y: y.toFixed(1),
    'text-anchor': anchor,
    'font-size': '12',
    fill: 'currentColor',
  });
}

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const logarithmic = values.every(value => value > 0);
  const at = (value: number): number => (logarithmic ? Math.log(value) : value);
  const [low, high] = [Math.min(...values.map(at)), Math.max(...values.map(at))];
  const span = high - low || 1;
  return value => from + ((at(value) - low) / span) * (to - from);
}

const ticksMax = 8;

function ticks(values: readonly number[]): readonly number[] {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(sorted.length / ticksMax));
  return sorted.filter((_, index) => index % step === 0);
}

/** Round values with equal steps between two others, at most about ten. */
export function linearTicks(from: number, until: number): readonly number[] {
  const rough = (until - from) / ticksMax || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find(one => one * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step);
  const count = Math.floor(until / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
