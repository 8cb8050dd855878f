/** The timeline of a rollout as SVG: share of the keys, throughput, p99, and what the gate said. Pure. */
import { element, type Html } from '../page/element.ts';

/** A series as Prometheus answers a range query: seconds and values. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

export interface Timeline {
  readonly share: readonly Series[];
  readonly throughput: readonly Series[];
  readonly p99: readonly Series[];
  /** One series per verdict, 1 where it held. */
  readonly gate: readonly Series[];
}

const width = 860;
const left = 60;
const right = 150;
const panelHeight = 130;
const gap = 34;
const top = 24;
const bandHeight = 22;

const colors = ['#1f6fb4', '#c2571a', '#4a8f3c', '#7d55a8'];
const verdictColors: Readonly<Record<string, string>> = {
  Successful: '#4a8f3c',
  Inconclusive: '#e0a030',
  Failed: '#c03030',
};

export function timelineSvg({ share, throughput, p99, gate }: Timeline): string {
  const all = [share, throughput, p99, gate].flat().flatMap(({ points }) => points);
  const times = all.map(([seconds]) => seconds);
  const [from, until] = [Math.min(...times), Math.max(...times)];
  const x = (seconds: number): number =>
    left + ((seconds - from) / Math.max(1, until - from)) * (width - left - right);
  const panels: readonly (readonly [string, readonly Series[]])[] = [
    ['share of the keys, %', share],
    ['commands per second', throughput],
    ['p99, ms', p99],
  ];
  const drawn = panels.flatMap(([title, series], index) =>
    panel(title, series, top + index * (panelHeight + gap), x),
  );
  const bandTop = top + panels.length * (panelHeight + gap);
  const height = bandTop + bandHeight + 40;
  const axis = ticks(until - from).map(seconds =>
    text(`${seconds} s`, x(from + seconds), height - 12, 'middle'),
  );
  return `${
    element('svg', [...drawn, ...band(gate, bandTop, x), ...axis], {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': 'A rollout: share of the keys, throughput, p99 and the gate over time',
      'font-family': 'sans-serif',
      style: 'background:#fff;color:#222',
    }).html
  }\n`;
}

type X = (seconds: number) => number;

function panel(title: string, series: readonly Series[], above: number, x: X): Html[] {
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  const max = niceAbove(Math.max(1, ...values.filter(Number.isFinite)));
  const y = (value: number): number => above + panelHeight * (1 - value / max);
  const lines = series.flatMap(({ name, points }, index) => {
    const there = points.filter(([, value]) => Number.isFinite(value));
    const last = there.at(-1);
    const stroke = colors[index % colors.length];
    if (!last) return [];
    const path = there.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    return [
      element('polyline', '', {
        points: path.join(' '),
        fill: 'none',
        stroke,
        'stroke-width': '1.8',
      }),
      text(name, width - right + 8, above + 14 + index * 16, 'start', stroke),
    ];
  });
  const rule = (value: number): Html =>
    element('line', '', {
      ...{ x1: String(left), x2: String(width - right), y1: y(value).toFixed(1) },
      ...{ y2: y(value).toFixed(1), stroke: '#ccc' },
    });
  return [
    text(title, left, above - 8, 'start'),
    ...[0, max].flatMap(value => [rule(value), text(String(value), left - 6, y(value) + 4, 'end')]),
    ...lines,
  ];
}

function band(gate: readonly Series[], above: number, x: X): Html[] {
  const spans = gate.flatMap(({ name, points }) =>
    points.flatMap(([at, value], index) => {
      const next = points[index + 1]?.[0] ?? at + 1;
      if (value !== 1) return [];
      return [
        element('rect', '', {
          ...{ x: x(at).toFixed(1), y: String(above), height: String(bandHeight) },
          width: Math.max(0.5, x(next) - x(at)).toFixed(1),
          fill: verdictColors[name] ?? '#999',
        }),
      ];
    }),
  );
  const names = Object.entries(verdictColors).map(([name, color], index) =>
    text(name, left + index * 110, above + bandHeight + 14, 'start', color),
  );
  return [text('gate', left, above - 8, 'start'), ...spans, ...names];
}

function text(content: string, x: number, y: number, anchor: string, fill = '#222'): Html {
  return element('text', content, {
    ...{ x: x.toFixed(1), y: y.toFixed(1), 'text-anchor': anchor, 'font-size': '12', fill },
  });
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find(factor => factor * power >= value) ?? 10;
  return step * power;
}

function ticks(seconds: number): readonly number[] {
  const step = niceAbove(seconds / 8);
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
}
