/**
 * What strategies cost, as it was measured, and what that makes of an operation of one's own. What lies
 * outside what was measured is computed from it, and is said to be. Pure.
 */
import { blocksMin } from '../lab/ranking.ts';
import type { Answers } from './questions.ts';

/** Milliseconds: the median, and the 95 % interval of it. */
export interface Sample {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** Commands, or contested keys, behind it. */
  readonly count: number;
}

/** How often a command waits for a store: milliseconds gained per millisecond of added round trip. */
export interface Trips {
  readonly postgres: number;
  readonly redis: number;
}

/** What a strategy costs at a place, measured side by side with all others. */
export interface CostCell {
  readonly place: string;
  readonly strategy: string;
  /** One command in flight, on a fresh key each, as its caller waits. */
  readonly alone: Sample;
  /** What a caller waits on average where `callers` come at once for one key, whatever it is told. */
  readonly contested: Sample;
  readonly trips: { readonly alone: Trips; readonly contested: Trips };
  /** How far each of `trips` may be off; absent in older tables. */
  readonly tripsOff?: { readonly alone: Trips; readonly contested: Trips } | undefined;
}

export interface CostTable {
  readonly startedAt: string;
  readonly commit: string;
  readonly command: string;
  readonly cores: number;
  /** At once on a contested key. */
  readonly callers: number;
  /** Added to each round trip, to Postgres and then to Redis, to count them. */
  readonly addedMs: number;
  /** What a round trip took without it. */
  readonly localMs: number;
  /** Repetitions of every cell, each a block of its own; absent in older tables, which had one. */
  readonly blocks?: number | undefined;
  readonly cells: readonly CostCell[];
}

/** The price of a strategy for one's own operation, in milliseconds. */
export interface Price {
  readonly measured: CostCell;
  readonly alone: number;
  readonly contested: number;
  /** Both, by the share of commands that meet another. */
  readonly expected: Omit<Sample, 'count'>;
  /** Commands a second that one key can take; undefined where waiting cannot be told from noise. */
  readonly keyPerSecond: number | undefined;
  /** The busiest key asks for more than that. */
  readonly tooSlow: boolean;
}

/** Undefined where nobody measured it at this place. */
export function priceOf(
  table: CostTable | null,
  at: { readonly place: string; readonly strategy: string },
  answers: Answers,
): Price | undefined {
  const cell = table?.cells.find(
    ({ place, strategy }) => place === at.place && strategy === at.strategy,
  );
  if (!table || !cell) return undefined;
  const added = (trips: Trips): number =>
    trips.postgres * beyondLocal(answers.rttPostgres, table) +
    trips.redis * beyondLocal(answers.rttRedis, table);
  const { hold, callers, meets, rate } = answers;
  const measuredAhead = aheadOf(table.callers);
  const alone = cell.alone.middle + added(cell.trips.alone);
  const contested = cell.contested.middle + added(cell.trips.contested);
  // what each command ahead adds, own work included: the time in which nobody else gets on
  const turn = Math.max(0, contested - alone) / measuredAhead + hold;
  const own = alone + hold;
  const among = own + turn * aheadOf(callers);
  const share = meets / 100;
  const middle = own * (1 - share) + among * share;
  const width = spreadOf(cell, { share, ahead: aheadOf(callers) / measuredAhead, added });
  const keyPerSecond = contested > alone && turn > 0 ? 1_000 / turn : undefined;
  return {
    measured: cell,
    alone: own,
    contested: among,
    expected: {
      low: Math.max(0, middle - width.below),
      middle,
      high: middle + width.above,
    },
    keyPerSecond,
    tooSlow: keyPerSecond !== undefined && rate > keyPerSecond,
  };
}

/** How many are ahead on average of one among so many who come at once. */
const aheadOf = (callers: number): number => (callers - 1) / 2;

const beyondLocal = (rttMs: number, { localMs }: CostTable): number => rttMs - localMs;

/** What a width is weighted by, as the price is. */
interface Weights {
  readonly share: number;
  /** How many are ahead, by how many were when it was measured. */
  readonly ahead: number;
  readonly added: (trips: Trips) => number;
}

/** How far the measured medians, and the slopes that distance adds, may be off. */
function spreadOf({ alone, contested, tripsOff }: CostCell, { share, ahead, added }: Weights) {
  const off = (what: 'alone' | 'contested'): number =>
    tripsOff ? Math.abs(added(tripsOff[what])) : 0;
  const weighted = (ofAlone: number, ofContested: number): number =>
    (ofAlone + off('alone')) * (1 - share + share * Math.abs(1 - ahead)) +
    (ofContested + off('contested')) * share * ahead;
  return {
    below: weighted(alone.middle - alone.low, contested.middle - contested.low),
    above: weighted(alone.high - alone.middle, contested.high - contested.middle),
  };
}

/** Fewer repetitions do not tell a cheaper strategy from a slow minute. */
export function mayRank({ blocks = 1 }: CostTable): boolean {
  return blocks >= blocksMin;
}

/** What of a price was not measured but computed. */
export function extrapolations(table: CostTable | null, answers: Answers): readonly string[] {
  if (!table) return [];
  const { hold, callers, rttPostgres, rttRedis, redis, rate, meets } = answers;
  const reach = table.localMs + table.addedMs;
  const beyond = (store: string, rtt: number): string[] =>
    rtt > reach
      ? [
          `a round trip of ${rtt} ms to ${store}: measured up to ${reach.toFixed(1)} ms, the rest is a straight line`,
        ]
      : [];
  return [
    ...beyond('Postgres', rttPostgres),
    ...(redis === 'none' ? [] : beyond('Redis', rttRedis)),
    ...(hold > 0
      ? [`own work of ${hold} ms: added to each turn; it was not measured with such work`]
      : []),
    ...(callers === table.callers
      ? []
      : [
          `${callers} callers at once: ${table.callers} were measured, the wait is taken in proportion`,
        ]),
    ...(meets > 0 && meets < 100
      ? [
          `a share of ${meets} % that meets another: weighted between 0 and 100 %, which were measured`,
        ]
      : []),
    ...(rate > 1
      ? [
          `${rate} commands a second for one key: compared with the turns that were measured, not run`,
        ]
      : []),
  ];
}
