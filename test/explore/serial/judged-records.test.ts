import { expect, test } from 'vitest';
import type { ActorEnd } from '../../../src/explore/run/actor.ts';
import type { ExecutionRecord } from '../../../src/explore/run/record.ts';
import type { TraceLine } from '../../../src/explore/run/trace.ts';
import { SerialOracle } from '../../../src/explore/serial/oracle.ts';

/** What a run came to: the rows of one table, and what ann and bob were told. */
interface Run {
  readonly rows: readonly string[];
  readonly told: readonly (readonly [number, string])[];
}

function leftBy({ rows }: Run) {
  const added = rows.map(row => [row]);
  const table = { table: 'public.slot', columns: ['value'], added, removed: [] };
  return { tables: [table], keys: [], beyond: [] };
}

function endsOf({ told }: Run): readonly ActorEnd[] {
  return told.map(([status, body]) => ({ kind: 'returned', value: { status, body } }));
}

function oracleOf(serial: (order: readonly number[], run: number) => Run): SerialOracle {
  let runs = 0;
  const world = {
    generated: { columns: [], references: [] },
    startKeys: [],
    fills: 1,
    runSerially: (order: readonly number[]) => {
      const run = serial(order, runs++);
      const ends = endsOf(run).map((end, actor) => (order.includes(actor) ? end : undefined));
      return Promise.resolve({
        end: { kind: 'ended' as const },
        ends,
        left: leftBy(run),
        unquiet: [],
      });
    },
  };
  return new SerialOracle(world, ['ann', 'bob'], {});
}

function recordOf(run: Run, lines: readonly TraceLine[] = []): ExecutionRecord {
  return {
    end: { kind: 'ended' },
    ends: endsOf(run),
    lines,
    violations: [],
    sharesState: false,
    hides: [],
    occasions: new Set(),
    keptKeys: [],
    expired: [],
    outlived: [],
    late: [],
    requests: [1, 1],
    elsewhere: [],
    waits: [],
    unquiet: [],
    left: leftBy(run),
  };
}

function event(label: string, actor?: number): TraceLine {
  return { token: '!', actor, store: 'event', label, result: '', answeredAfter: 0 };
}

/** Who comes first books, and the other is told that it is taken. */
const booking = oracleOf(order => ({
  rows: order.length === 0 ? [] : [order[0] === 0 ? 'ann' : 'bob'],
  told: [0, 1].map(actor => (order[0] === actor ? [201, 'booked'] : [404, 'taken'])),
}));

const bothBooked: Run = {
  rows: ['ann'],
  told: [
    [201, 'booked'],
    [201, 'booked seat 2'],
  ],
};

test.each([
  ['no event', [], 'only answers differ'],
  ['an event that struck the other', [event('lost-reply', 0)], 'only answers differ'],
  ['a lease that ended', [event('lease-expires')], 'only answers differ'],
  ['an event that took its own answer', [event('lost-reply', 1)], 'equals a serial order'],
] as const)('a booking that is not there, beside %s', async (_, lines, kind) => {
  expect(await booking.judge(recordOf(bothBooked, lines))).toMatchObject({ kind });
});

test('nobody is served, and both are told of a conflict: no serial order does that', async () => {
  const refused: Run = {
    rows: [],
    told: [
      [409, 'conflict'],
      [409, 'conflict'],
    ],
  };
  expect(await booking.judge(recordOf(refused))).toMatchObject({ kind: 'only answers differ' });
});

test('times that equal serial runs share are judged, and no guess is made where only they differ', async () => {
  const dayMs = 86_400_000;
  const at = (minutes: number): string =>
    new Date(Date.now() + dayMs + minutes * 60_000).toISOString();
  const [half, hour] = [at(30), at(60)];
  const told = [
    [201, ''],
    [201, ''],
  ] as const;
  const slots = oracleOf(order => ({ rows: [half, hour].slice(0, order.length), told }));
  expect(await slots.judge(recordOf({ rows: [half, hour], told }))).toMatchObject({
    kind: 'equals a serial order',
  });
  expect(await slots.judge(recordOf({ rows: [half, half], told }))).toMatchObject({
    kind: 'not judged',
    why: expect.stringContaining('times close to now'),
  });
});

test('whole seconds that only stood still while the serial orders ran are not compared', async () => {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const toldAt = (seconds: number): Run['told'] => [
    [200, JSON.stringify({ iat: seconds })],
    [200, JSON.stringify({ iat: seconds })],
  ];
  // four runs of two orders, two of each, within one second
  const logins = oracleOf((_, run) => ({ rows: [], told: toldAt(nowSeconds + (run < 4 ? 0 : 2)) }));
  await logins.learn();
  const later = recordOf({ rows: [], told: toldAt(nowSeconds + 1) });
  expect(await logins.judge(later)).toMatchObject({ kind: 'equals a serial order' });
});
