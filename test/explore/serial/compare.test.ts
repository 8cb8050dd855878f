import { expect, test } from 'vitest';
import { likeness } from '../../../src/explore/serial/compare.ts';
import type { Fact, Outcome } from '../../../src/explore/serial/facts.ts';
import { Masks } from '../../../src/explore/serial/masks.ts';

const generated = {
  columns: [{ table: 'public.orders', column: 'id', by: 'number' }],
  references: [
    { table: 'public.line', column: 'order_id', to: { table: 'public.orders', column: 'id' } },
  ],
} as const;

const nothing = { columns: [], references: [] } as const;

function row(table: string, values: Readonly<Record<string, string | null>>, gone = false): Fact {
  const cells = Object.entries(values).map(([column, value]) => ({ column, value }));
  return { place: `public.${table}`, sort: 'row', gone, cells };
}

function told(who: string, values: Readonly<Record<string, string>>): Fact {
  const cells = Object.entries(values).map(([column, value]) => ({ column, value }));
  return { place: `what ${who} was told`, sort: 'answer', gone: false, cells };
}

function compared(a: readonly Fact[], b: readonly Fact[], masks = new Masks(generated, [])) {
  return likeness(masks.apart(a), masks.apart(b));
}

test('generated numbers may be exchanged where what refers to them goes along', () => {
  const left = [
    row('orders', { id: '1', who: 'ann' }),
    row('orders', { id: '2', who: 'bob' }),
    row('line', { order_id: '1', what: 'tea' }),
    row('line', { order_id: '2', what: 'milk' }),
  ];
  const exchanged = [
    row('orders', { id: '2', who: 'ann' }),
    row('orders', { id: '1', who: 'bob' }),
    row('line', { order_id: '2', what: 'tea' }),
    row('line', { order_id: '1', what: 'milk' }),
  ];
  const crossed = [
    row('orders', { id: '2', who: 'ann' }),
    row('orders', { id: '1', who: 'bob' }),
    row('line', { order_id: '1', what: 'tea' }),
    row('line', { order_id: '2', what: 'milk' }),
  ];
  expect(compared(left, exchanged)).toBe('equal');
  expect(compared(left, crossed)).toBe('inside masks');
  expect(compared(left, exchanged.slice(1))).toBe('unlike');
});

test('two rows with one generated number are no renaming of two numbers', () => {
  const two = [row('orders', { id: '1', who: 'x' }), row('orders', { id: '2', who: 'x' })];
  const one = [row('orders', { id: '3', who: 'x' }), row('orders', { id: '3', who: 'x' })];
  expect(compared(two, one)).toBe('inside masks');
});

test('a number that was there before is no other one in another run', () => {
  const first = [row('line', { order_id: '7', what: 'tea' })];
  const second = [row('line', { order_id: '8', what: 'tea' })];
  expect(compared(first, second)).toBe('unlike');
  expect(compared(first, first)).toBe('equal');
});

test('rows are a multiset: one more of the same is a difference', () => {
  const one = row('seat', { who: 'ann' });
  expect(compared([one, one], [one])).toBe('unlike');
  expect(compared([one, one], [one, one])).toBe('equal');
  expect(compared([one], [row('seat', { who: null })])).toBe('unlike');
});

test('what differs between equal runs is masked, and an answer that tells it belongs to its row', () => {
  const masks = new Masks(generated, []);
  const run = (id: string, token: string): Outcome => ({
    effects: [row('orders', { id, who: 'ann', token })],
    answers: [told('ann', { status: '201', id, note: `order ${id}` })],
  });
  masks.learn(run('1', 'ab12cd34'), run('10018', 'ff00aa11'));
  const facts = ({ effects, answers }: Outcome): Fact[] => [...effects, ...answers];
  expect(compared(facts(run('5', 'x1')), facts(run('1', 'y2')), masks)).toBe('equal');
  const lied = facts(run('5', 'x1')).slice(0, 1);
  lied.push(told('ann', { status: '201', id: '6', note: 'order 6' }));
  expect(compared(lied, facts(run('1', 'y2')), masks)).not.toBe('equal');
  const other = [...facts(run('5', 'x1')).slice(0, 1), told('ann', { status: '409' })];
  expect(compared(other, facts(run('1', 'y2')), masks)).toBe('unlike');
});

test('two equal runs mask nothing', () => {
  const masks = new Masks(nothing, []);
  const run: Outcome = { effects: [row('seat', { who: 'ann', n: '1' })], answers: [] };
  masks.learn(run, run);
  expect(masks.list).toEqual([]);
  expect(compared(run.effects, [row('seat', { who: 'ann', n: '2' })], masks)).toBe('unlike');
});

const minuteMs = 60_000;

/** A booking of tomorrow, so many minutes behind `from`. */
function slot(minutes: number, from: number): Fact {
  return row('slot', { starts_at: new Date(from + minutes * minuteMs).toISOString() });
}

test('a time close to now is not compared where it differs between equal serial runs, a stored date is', () => {
  const at = (ms: number): Fact => row('seat', { at: new Date(ms).toISOString() });
  const masks = new Masks(nothing, []);
  const nowMs = Date.now();
  masks.learn({ effects: [at(nowMs)], answers: [] }, { effects: [at(nowMs + 7)], answers: [] });
  expect(compared([at(nowMs + 9)], [at(nowMs - 5_000)], masks)).toBe('equal');
  expect(masks.list).toEqual([
    { place: 'public.seat.at', why: 'a time close to now', how: 'left out' },
  ]);
  expect(compared([at(1e12)], [at(1.1e12)])).toBe('unlike');
});

test('a time close to now that equal serial runs share tells two bookings of it apart', () => {
  const masks = new Masks(nothing, []);
  const from = Date.now() + 24 * 60 * minuteMs;
  const serial = [slot(30, from), slot(60, from)];
  masks.learn({ effects: serial, answers: [] }, { effects: serial, answers: [] });
  expect(masks.list).toEqual([]);
  expect(compared(serial, [...serial].reverse(), masks)).toBe('equal');
  expect(compared([slot(30, from), slot(30, from)], serial, masks)).toBe('inside masks');
});

test('a default of the server is compared where the service sets the column itself', () => {
  const byTime = {
    columns: [{ table: 'public.slot', column: 'starts_at', by: 'time' }],
    references: [],
  } as const;
  const from = Date.now() + 24 * 60 * minuteMs;
  const serial = [slot(30, from), slot(60, from)];
  const twice = [slot(30, from), slot(30, from)];
  const set = new Masks(byTime, []);
  set.learn({ effects: serial, answers: [] }, { effects: serial, answers: [] });
  expect(compared(twice, serial, set)).toBe('inside masks');
  const filled = new Masks(byTime, []);
  const later = [slot(31, from), slot(61, from)];
  filled.learn({ effects: serial, answers: [] }, { effects: later, answers: [] });
  expect(compared(twice, serial, filled)).toBe('equal');
});
