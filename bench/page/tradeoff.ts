/** What each choice costs, survives and asks for, one row each, as inline SVG that a phone shows too. Pure. */
import { element, type Html } from './element.ts';
import { figure } from './format.ts';
import { toneOf } from './report.ts';

export interface Tradeoff {
  /** For readers who cannot see it. */
  readonly label: string;
  /** What the two figures are, in the order of `costs`: “alone”, “8 at once”. */
  readonly measures: readonly [string, string];
  readonly unit: string;
  /** What is survived, in the order of `marks`. */
  readonly events: readonly string[];
  readonly rows: readonly TradeoffRow[];
}

export interface TradeoffRow {
  readonly name: string;
  readonly asks: string;
  /** The two figures with their intervals; undefined where they were not measured. */
  readonly costs?: readonly [Interval, Interval];
  /** A mark per event; empty where nobody looked. */
  readonly marks: readonly string[];
}

interface Interval {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  readonly count: number;
}

const width = 400;
const rowHeight = 34;
const top = 34;
const axis = { from: 4, to: 236 } as const;
const strip = { from: 252, size: 8 } as const;

export function tradeoffSvg({ label, measures, unit, events, rows }: Tradeoff): Html {
  const known = rows.flatMap(({ costs }) => costs ?? []);
  if (known.length === 0) return element('p', 'Nothing was measured.', { class: 'note' });
  const x = scale(known);
  const height = top + rows.length * rowHeight + 4;
  const counts = known.map(({ count }) => count);
  const heads = [
    text(`${unit}: ○ ${measures[0]}, ● ${measures[1]}, n ≥ ${Math.min(...counts)}`, axis.from, 12),
    ...(events.length > 0 ? [text('survives', strip.from, 12)] : []),
    ...ticksOf(known).map(value =>
      text(figure(value), x(value), 26, { anchor: 'middle', soft: true }),
    ),
  ];
  const drawn = rows.flatMap((row, index) => rowSvg(row, events, x, top + index * rowHeight));
  return element('svg', [...heads, ...drawn], {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': label,
    style: 'max-width:38rem;width:100%;height:auto;margin:1rem 0',
  });
}

type Scale = (value: number) => number;

function rowSvg(row: TradeoffRow, events: readonly string[], x: Scale, y: number): Html[] {
  const { name, asks, costs, marks } = row;
  const middle = y + 24;
  return [
    text(name, axis.from, y + 12),
    text(asks, width - 2, y + 12, { anchor: 'end', soft: true }),
    line([axis.from, middle], [axis.to, middle], '0.3'),
    ...(costs
      ? costs.flatMap((cost, at) => dot(cost, at === 1, x, middle))
      : [text('not measured', axis.from, middle + 4, { soft: true })]),
    ...marks.flatMap((mark, at) =>
      square(mark, events[at] ?? '', strip.from + at * (strip.size + 1), middle - 4),
    ),
  ];
}

function dot({ low, middle, high, count }: Interval, filled: boolean, x: Scale, y: number): Html[] {
  const title = element(
    'title',
    `${figure(middle)} (${figure(low)}–${figure(high)}), n = ${count}`,
  );
  return [
    line([x(low), y], [x(high), y], '2'),
    element('circle', title, {
      ...{ cx: x(middle).toFixed(1), cy: String(y), r: '3.5', stroke: 'currentColor' },
      fill: filled ? 'currentColor' : 'var(--card)',
    }),
  ];
}

/** Filled: held; crossed: harmed; hollow: claims nothing, or not known; a dash: it does not concern. */
function square(mark: string, event: string, x: number, y: number): Html[] {
  const { size } = strip;
  const tone = toneOf(mark === '~✗' ? '✗' : mark);
  const title = element('title', `${event}: ${mark}`);
  if (tone === 'none')
    return [line([x + 1, y + size / 2], [x + size - 1, y + size / 2], '1', title)];
  const color = tone === '' ? 'currentColor' : `var(--${tone})`;
  const frame = element('rect', title, {
    ...{ x: x.toFixed(1), y: y.toFixed(1), width: String(size), height: String(size) },
    ...{ stroke: color, fill: tone === 'good' ? color : 'none' },
  });
  if (tone !== 'bad') return [frame];
  return [
    frame,
    line([x, y], [x + size, y + size], '1', '', color),
    line([x + size, y], [x, y + size], '1', '', color),
  ];
}

type Point = readonly [x: number, y: number];

function line(
  from: Point,
  to: Point,
  thick: string,
  inside: Html | '' = '',
  color = 'currentColor',
): Html {
  return element('line', inside, {
    ...{
      x1: from[0].toFixed(1),
      y1: from[1].toFixed(1),
      x2: to[0].toFixed(1),
      y2: to[1].toFixed(1),
    },
    ...{ stroke: color, 'stroke-width': thick },
  });
}

interface Look {
  readonly anchor?: 'middle' | 'end';
  readonly soft?: true;
}

function text(content: string, x: number, y: number, { anchor, soft }: Look = {}): Html {
  return element('text', content, {
    ...{ x: x.toFixed(1), y: y.toFixed(1), 'font-size': soft ? '9' : '11', 'text-anchor': anchor },
    fill: soft ? 'var(--soft)' : 'currentColor',
  });
}

/** Logarithmic: costs differ by factors. */
function scale(values: readonly Interval[]): Scale {
  const least = Math.max(0.01, Math.min(...values.map(({ low }) => low)));
  const most = Math.max(least * 1.01, ...values.map(({ high }) => high));
  const span = Math.log(most / least);
  return value =>
    axis.from + (Math.log(Math.max(value, least) / least) / span) * (axis.to - axis.from);
}

function ticksOf(values: readonly Interval[]): number[] {
  const [least, most] = [
    Math.min(...values.map(({ low }) => low)),
    Math.max(...values.map(({ high }) => high)),
  ];
  return [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000].filter(
    value => value > least * 1.1 && value < most / 1.1,
  );
}
