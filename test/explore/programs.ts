import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Actor, ActorFunction, Subject } from '../../src/explore/explore.ts';

/** The programs whose interleavings are known: one place, one rule, several ways to guard it. */
const table = 'create table booking (id serial primary key, who text)';
const slot = `${table};
  create table slot (id int primary key, version int not null default 0);
  insert into slot values (1)`;
export const atMostOne = 'select count(*)::int as bookings from booking having count(*) > 1';

export type Work = (
  query: (text: string) => Promise<Record<string, unknown>[]>,
) => Promise<unknown>;

/** An actor with one connection of its own. */
export function onePgClient(work: Work): ActorFunction {
  return async ({ pgUrl }) => {
    const client = new pg.Client(pgUrl);
    // A connection may be cut at any point: the query that follows tells.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(
        async text => (await client.query<Record<string, unknown>>(text)).rows ?? [],
      );
    } finally {
      await client.end().catch(() => undefined);
    }
  };
}

export function subject(setup: string, audit: string, actors: readonly Actor[]): Subject {
  return {
    setup,
    audit,
    actors: Object.fromEntries(actors.map((act, at) => [`actor ${at}`, act])),
  };
}

const countThenInsert: Work = async query => {
  const [row] = await query('select count(*)::int as n from booking');
  if (row?.n === 0) await query("insert into booking (who) values ('me')");
};

/** A failed transaction is rolled back, and not tried again. */
export function transaction(begin: string, work: Work): Work {
  return async query => {
    await query(begin);
    try {
      await work(query);
      await query('commit');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code === '57P01') throw error;
      await query('rollback');
      return error.code;
    }
    return undefined;
  };
}

const lockSlot: Work = async query => {
  await query('select id from slot where id = 1 for update');
  await countThenInsert(query);
};

const touchSlot: Work = async query => {
  await query('update slot set version = version + 1 where id = 1');
  await countThenInsert(query);
};

const advisory: Work = async query => {
  await query('begin');
  await query('select pg_advisory_lock(42)');
  await countThenInsert(query);
  await query('select pg_advisory_unlock(42)');
  await query('commit');
};

const versioned: Work = async query => {
  await query('begin');
  const [slotRow] = await query('select version from slot where id = 1');
  const [row] = await query('select count(*)::int as n from booking');
  if (row?.n === 0) {
    await query("insert into booking (who) values ('me')");
    const updated = await query(
      `update slot set version = version + 1
       where id = 1 and version = ${Number(slotRow?.version)} returning id`,
    );
    await query(updated.length === 1 ? 'commit' : 'rollback');
  } else await query('commit');
};

function twice(setup: string, work: Work, times = 2): Subject {
  return subject(setup, atMostOne, Array(times).fill(onePgClient(work)));
}

/** One statement, on its own: looks and acts at once. */
export function oneStatement(begin: string | undefined, text: string): ActorFunction {
  return onePgClient(
    begin === undefined ? query => query(text) : transaction(begin, query => query(text)),
  );
}

/** Not longer than any run: it must end by an event, never by itself. */
const leaseMs = 600_000;

const deleteOwn = `
  if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
  return 0`;

/** SET NX PX, some more tries with a sleep between them, compare-and-delete. */
export function underLease(name: string, moreTries: number): ActorFunction {
  return async urls => {
    const redis = new Redis(urls.redisUrl, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      for (let attempt = 0; attempt <= moreTries; attempt++) {
        if (attempt > 0) await sleep(50);
        if ((await redis.set('lock', name, 'PX', leaseMs, 'NX')) === null) continue;
        await onePgClient(countThenInsert)(urls);
        await redis.eval(deleteOwn, 1, 'lock', name);
        return 'served';
      }
      return 'busy';
    } finally {
      redis.disconnect();
    }
  };
}

/** One step: the lease is gone, as if its time had passed. */
const leaseExpires: ActorFunction = async ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  await redis.del('lock');
  redis.disconnect();
};

export const programs = {
  'redis lease': subject(table, atMostOne, [underLease('a', 2), underLease('b', 2)]),
  'redis lease that expires': subject(table, atMostOne, [
    underLease('a', 1),
    underLease('b', 1),
    leaseExpires,
  ]),
  autocommit: twice(table, countThenInsert),
  'autocommit, three actors': twice(table, countThenInsert, 3),
  transaction: twice(table, transaction('begin', countThenInsert)),
  'row lock': twice(slot, transaction('begin', lockSlot)),
  'row lock, three actors': twice(slot, transaction('begin', lockSlot), 3),
  'row lock, repeatable read': twice(
    slot,
    transaction('begin isolation level repeatable read', lockSlot),
  ),
  'touch, repeatable read': twice(
    slot,
    transaction('begin isolation level repeatable read', touchSlot),
  ),
  serializable: twice(table, transaction('begin isolation level serializable', countThenInsert)),
  'advisory lock released before commit': twice(table, advisory),
  versioned: twice(slot, versioned),
} as const satisfies Readonly<Record<string, Subject>>;
