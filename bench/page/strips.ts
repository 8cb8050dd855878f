/** What happened over time, one strip below the other on one time axis, as inline SVG. Pure. */
import { linearTicks } from './chart.ts';
import { element, type Html } from './element.ts';
import { whole } from './format.ts';

/** Counts and latencies in equal slices of time, around an event at 0. */
export interface Strip {
  readonly name: string;
  /** Where its first slice begins; negative: before the event. */
  readonly fromMs: number;
  readonly sliceMs: number;
  readonly done: readonly number[];
  readonly failed: readonly number[];
  readonly slowestMs: readonly number[];
  /** When the event was over. */
  readonly untilMs: number;
}

export interface Strips {
  /** What 0 is. */
  readonly event: string;
  readonly strips: readonly Strip[];
}

const width = 1_200;
const left = 210;
const right = 180;
const rowHeight = 44;
const doneHeight = 26;
const failedHeight = 9;
const head = 20;

export function stripsSvg({ event, strips }: Strips): Html {
  if (strips.length === 0) return element('p', 'Nothing was measured.', { class: 'note' });
  const ends = strips.map(({ fromMs, sliceMs, done }) => fromMs + sliceMs * done.length);
  const [from, until] = [Math.min(...strips.map(({ fromMs }) => fromMs)), Math.max(...ends)];
  const x = (ms: number): number =>
    left + ((ms - from) / (until - from || 1)) * (width - left - right);
  const height = head + strips.length * rowHeight + 22;
  const most = {
    done: mostOf(strips.flatMap(({ done }) => done)),
    failed: mostOf(strips.flatMap(({ failed }) => failed)),
    slowestMs: mostOf(strips.flatMap(({ slowestMs }) => slowestMs)),
  };
  const rows = strips.flatMap((strip, row) => rowOf(strip, head + row * rowHeight, x, most));
  const ticks = linearTicks(from, until).map(ms =>
    text(ms === 0 ? event : `${ms / 1_000} s`, x(ms), height - 6, 'middle'),
  );
  const zero = element('line', '', {
    ...{ x1: x(0).toFixed(1), x2: x(0).toFixed(1), y1: String(head - 6), y2: String(height - 20) },
    stroke: 'var(--bad)',
  });
  return element('svg', [...rows, zero, ...ticks], {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': `Throughput and latency of ${strips.length} strategies around the fault`,
    style: 'width:100%;height:auto;margin-top:1rem',
  });
}

interface Most {
  readonly done: number;
  readonly failed: number;
  readonly slowestMs: number;
}

function rowOf(strip: Strip, top: number, x: (ms: number) => number, most: Most): Html[] {
  const { name, fromMs, sliceMs, done, failed, slowestMs, untilMs } = strip;
  const base = top + doneHeight;
  const at = (slice: number): number => x(fromMs + sliceMs * slice);
  const wide = Math.max(1, at(1) - at(0) - 0.6);
  const bars = (values: readonly number[], scale: number): string =>
    values
      .map((value, slice) => {
        if (value === 0) return '';
        const tall = (value * scale).toFixed(1);
        return `M${at(slice).toFixed(1)} ${base}h${wide.toFixed(1)}v${tall}h-${wide.toFixed(1)}z`;
      })
      .join('');
  const line = slowestMs
    .map((ms, slice) => {
      const y = base - (ms / most.slowestMs) * doneHeight;
      return `${(at(slice) + wide / 2).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
  const lasted = element('rect', '', {
    x: x(0).toFixed(1),
    y: String(top - 2),
    width: Math.max(1, x(untilMs) - x(0)).toFixed(1),
    height: String(doneHeight + failedHeight + 4),
    fill: 'var(--open-wash)',
  });
  return [
    lasted,
    element('path', '', { d: bars(done, -doneHeight / most.done), fill: 'var(--good)' }),
    element('path', '', { d: bars(failed, failedHeight / most.failed), fill: 'var(--bad)' }),
    element('polyline', '', {
      points: line,
      fill: 'none',
      stroke: 'var(--ink)',
      'stroke-width': '1.2',
      'stroke-dasharray': '3 2',
    }),
    text(name, left - 10, base - 4, 'end'),
    text(
      `slowest ${whole(Math.round(Math.max(...slowestMs, 0)))} ms`,
      width - right + 10,
      base - 4,
    ),
  ];
}

const mostOf = (values: readonly number[]): number => Math.max(1, ...values);

function text(content: string, x: number, y: number, anchor = 'start'): Html {
  return element('text', content, {
    x: x.toFixed(1),
    y: y.toFixed(1),
    'text-anchor': anchor,
    'font-size': '13',
    fill: 'currentColor',
  });
}
