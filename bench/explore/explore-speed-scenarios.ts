import { Redis } from 'ioredis';
import pg from 'pg';
import type { ActorFunction, Subject } from '../../src/explore/explore.ts';

/** A program for measuring the explorer's speed. */
export interface SpeedScenario {
  readonly name: string;
  readonly subject: Subject;
  /** Target share of the floor: half without lock waits, a quarter with them. */
  readonly aim: number;
}

type Query = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const booking = 'create table booking (id serial primary key, who text)';
const slot = `${booking};
  create table slot (id int primary key);
  insert into slot values (1)`;

/** An actor with one connection that uses plain `pg`. */
function raw(work: (query: Query) => Promise<void>): ActorFunction {
  return async ({ pgUrl }) => {
    const client = new pg.Client(pgUrl);
    client.on('error', () => undefined);
    await client.connect();
    await work(async text => (await client.query<Record<string, unknown>>(text)).rows ?? []);
    await client.end();
  };
}

async function countThenInsert(query: Query): Promise<void> {
  const [row] = await query('select count(*)::int as n from booking');
  if (row?.n === 0) await query("insert into booking (who) values ('me')");
}

function inTransaction(first: string, last?: string): ActorFunction {
  return raw(async query => {
    await query('begin');
    if (first !== '') await query(first);
    await countThenInsert(query);
    await query('commit');
    if (last !== undefined) await query(last);
  });
}

/** SET NX once; if it succeeds, the same work, then DEL. */
const underLease: ActorFunction = async urls => {
  const redis = new Redis(urls.redisUrl);
  redis.on('error', () => undefined);
  if ((await redis.set('lock', 'mine', 'PX', 600_000, 'NX')) !== null) {
    await raw(countThenInsert)(urls);
    await redis.del('lock');
  }
  redis.disconnect();
};

function twice(setup: string, actor: ActorFunction): Subject {
  return { setup, audit: 'select 1 where false', actors: { first: actor, second: actor } };
}

/** The five fixed scenarios of `npm run dev:explore-speed`. */
export const speedScenarios: readonly SpeedScenario[] = [
  { name: 'count, then insert', subject: twice(booking, raw(countThenInsert)), aim: 0.5 },
  { name: 'the same in a transaction', subject: twice(booking, inTransaction('')), aim: 0.5 },
  {
    name: 'under a row lock',
    subject: twice(slot, inTransaction('select id from slot where id = 1 for update')),
    aim: 0.25,
  },
  {
    name: 'under a session advisory lock',
    subject: twice(
      booking,
      inTransaction('select pg_advisory_lock(42)', 'select pg_advisory_unlock(42)'),
    ),
    aim: 0.25,
  },
  { name: 'under a Redis lease', subject: twice(booking, underLease), aim: 0.5 },
];
