import pg from 'pg';
import type { ActorEnd, ActorFunction, Subject } from '../../src/explore/explore.ts';
import { onePgClient, type Work } from './programs.ts';

/**
 * The ten anomalies of Hermitage (github.com/ept/hermitage), each as programs and as the question
 * that tells whether some order showed it. Its names; the table's rows as there.
 */
export interface Anomaly {
  readonly name: string;
  readonly actors: readonly Work[];
  /** Whether the callers' answers show the anomaly; each is what a committed caller read. */
  readonly shown?: (answers: readonly (readonly number[] | undefined)[]) => boolean;
  /** SQL that returns a row when the table shows it. */
  readonly audit?: string;
}

const read =
  (query: Parameters<Work>[0]) =>
  async (where: string): Promise<number[]> =>
    (await query(`select value from test where ${where} order by id`)).map(row =>
      Number(row.value),
    );

const write = (query: Parameters<Work>[0]) => (id: number, value: number) =>
  query(`update test set value = ${value} where id = ${id}`);

function writes(...pairs: readonly (readonly [number, number])[]): Work {
  return async query => {
    for (const [id, value] of pairs) await write(query)(id, value);
    return [];
  };
}

function reads(...conditions: readonly string[]): Work {
  return async query => {
    const seen: number[] = [];
    // Nothing found counts as 0, so that each condition has its place in the answer.
    for (const where of conditions) seen.push((await read(query)(where))[0] ?? 0);
    return seen;
  };
}

const increment: Work = async query => {
  const [value = 0] = await read(query)('id = 1');
  await write(query)(1, value + 1);
  return [value];
};

const addsHundred: Work = async query => {
  for (const id of [1, 2]) await query(`update test set value = value + 100 where id = ${id}`);
  return [];
};

const divisible = 'value % 3 = 0';

function inTurn(...parts: readonly Work[]): Work {
  return async query => {
    const seen: number[] = [];
    for (const part of parts) seen.push(...((await part(query)) as number[]));
    return seen;
  };
}

const aborts: Work = async query => {
  await write(query)(1, 101);
  throw new Aborted();
};

class Aborted extends Error {}

const insert =
  (id: number, value: number): Work =>
  async query => {
    await query(`insert into test values (${id}, ${value})`);
    return [];
  };

export const anomalies: readonly Anomaly[] = [
  {
    name: 'G0',
    actors: [writes([1, 11], [2, 21]), writes([1, 12], [2, 22])],
    audit: 'select 1 from test a, test b where a.id = 1 and b.id = 2 and b.value <> a.value + 10',
  },
  { name: 'G1a', actors: [aborts, reads('id = 1')], shown: ([, seen]) => seen?.[0] === 101 },
  {
    name: 'G1b',
    actors: [writes([1, 101], [1, 11]), reads('id = 1')],
    shown: ([, seen]) => seen?.[0] === 101,
  },
  {
    name: 'G1c',
    actors: [inTurn(writes([1, 11]), reads('id = 2')), inTurn(writes([2, 22]), reads('id = 1'))],
    shown: ([first, second]) => first?.[0] === 22 && second?.[0] === 11,
  },
  {
    name: 'OTV',
    actors: [writes([1, 11], [2, 19]), addsHundred, reads('id = 1', 'id = 2')],
    // It saw the second writer upon the first (111), and then the first alone (19).
    shown: ([, , seen]) => seen?.[0] === 111 && seen[1] === 19,
  },
  {
    name: 'PMP',
    actors: [reads(divisible, divisible), insert(3, 30)],
    shown: ([seen]) => seen?.[0] === 0 && seen[1] === 30,
  },
  {
    name: 'P4',
    actors: [increment, increment],
    shown: ([first, second]) => first?.[0] === 10 && second?.[0] === 10,
  },
  {
    name: 'G-single',
    actors: [reads('id = 1', 'id = 2'), writes([1, 12], [2, 18])],
    shown: ([seen]) => seen?.[0] === 10 && seen[1] === 18,
  },
  {
    name: 'G2-item',
    actors: [
      inTurn(reads('id = 1', 'id = 2'), writes([1, 11])),
      inTurn(reads('id = 1', 'id = 2'), writes([2, 21])),
    ],
    shown: ([first, second]) => first?.join() === '10,20' && second?.join() === '10,20',
  },
  {
    name: 'G2',
    actors: [inTurn(reads(divisible), insert(3, 30)), inTurn(reads(divisible), insert(4, 42))],
    shown: ([first, second]) => first?.[0] === 0 && second?.[0] === 0,
  },
];

/** The anomaly's programs, each in a transaction of this level. */
export function anomalySubject(anomaly: Anomaly, level: string): Subject {
  const actors: readonly ActorFunction[] = anomaly.actors.map(work =>
    onePgClient(async query => {
      await query(`begin isolation level ${level}`);
      try {
        const seen = await work(query);
        await query('commit');
        return seen;
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) && !(error instanceof Aborted)) throw error;
        await query('rollback');
        return undefined;
      }
    }),
  );
  return {
    setup:
      'create table test (id int primary key, value int); insert into test values (1, 10), (2, 20)',
    actors: Object.fromEntries(actors.map((act, at) => [`T${at + 1}`, act])),
    audit: anomaly.audit ?? 'select 1 where false',
    check: ends => (anomaly.shown?.(ends.map(answer)) ? [anomaly.name] : []),
  };
}

function answer(end: ActorEnd | undefined): number[] | undefined {
  if (end?.kind !== 'returned' || !Array.isArray(end.value)) return undefined;
  return end.value.map(Number);
}
