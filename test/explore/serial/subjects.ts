import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ActorFunction, Subject } from '../../../src/explore/explore.ts';
import type { JudgedKind } from '../../../src/explore/serial/finding.ts';
import { onePgClient, transaction, type Work } from '../programs.ts';

/** A subject that nobody wrote an audit for, and the gravest that its orders come to. */
export interface SerialCase {
  readonly subject: Subject;
  readonly gravest: JudgedKind;
}

type Act = (who: string) => ActorFunction;

/** Ann and bob do the same. */
export function twoOf(setup: string, act: Act): Subject {
  return { setup, actors: { ann: act('ann'), bob: act('bob') } };
}

/** One connection to Postgres each. */
export const inPg =
  (work: (who: string) => Work): Act =>
  who =>
    onePgClient(work(who));

const inRedis =
  (work: (redis: Redis, who: string) => Promise<unknown>): Act =>
  who =>
  async ({ redisUrl }) => {
    const redis = new Redis(redisUrl, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      return await work(redis, who);
    } finally {
      redis.disconnect();
    }
  };

export const booking = `
  create table booking (id serial primary key, who text, made_at timestamptz default now())`;
const card = `create table card (id int primary key, balance int not null);
  insert into card values (1, 50);
  create table debit (id bigint generated always as identity primary key, card_id int, amount int)`;

export const bookOnce: (who: string) => Work = who => async query => {
  const [row] = await query('select count(*)::int as n from booking');
  if (row?.n !== 0) return 'taken';
  const [made] = await query(`insert into booking (who) values ('${who}') returning id`);
  return { booked: made?.id };
};

const debit: Work = async query => {
  const [row] = await query('select balance from card where id = 1');
  const balance = Number(row?.balance);
  if (balance < 25) return 'too little';
  await query(`update card set balance = ${balance - 25} where id = 1`);
  await query('insert into debit (card_id, amount) values (1, 25)');
  return { left: balance - 25 };
};

const goOffCall: (who: string) => Work = who => async query => {
  const [row] = await query('select count(*)::int as n from doctor where on_call');
  if (Number(row?.n) < 2) return 'stays';
  await query(`update doctor set on_call = false where name = '${who}'`);
  return 'goes';
};

const nextNumber: (who: string) => Work = who => async query => {
  const [row] = await query('select coalesce(max(number), 0) + 1 as n from invoice');
  await query(`insert into invoice (number, who) values (${String(row?.n)}, '${who}')`);
  return { number: row?.n };
};

const insertWhere: (who: string) => Work = who => async query => {
  const made = await query(
    `insert into booking (who) select '${who}' where (select count(*) from booking) < 1 returning id`,
  );
  return made.length === 1 ? 'booked' : 'taken';
};

/** Six that are wrong. */
export const racy: Readonly<Record<string, SerialCase>> = {
  'a look, then an insert': {
    subject: twoOf(booking, inPg(bookOnce)),
    gravest: 'effects differ',
  },
  'a balance that is read and written back': {
    subject: twoOf(
      card,
      inPg(() => debit),
    ),
    gravest: 'effects differ',
  },
  'write skew under repeatable read': {
    subject: twoOf(
      `create table doctor (name text primary key, on_call bool not null);
       insert into doctor values ('ann', true), ('bob', true)`,
      inPg(who => transaction('begin isolation level repeatable read', goOffCall(who))),
    ),
    gravest: 'effects differ',
  },
  'the highest number and one': {
    subject: twoOf(
      'create table invoice (id serial primary key, number int, who text)',
      inPg(nextNumber),
    ),
    gravest: 'effects differ',
  },
  'one statement that counts and inserts': {
    subject: twoOf(booking, inPg(insertWhere)),
    gravest: 'effects differ',
  },
  'a counter that is read and set in Redis': {
    subject: twoOf(
      '',
      inRedis(async redis => {
        const count = Number(await redis.get('visits')) + 1;
        await redis.set('visits', count);
      }),
    ),
    gravest: 'effects differ',
  },
};

const leaseMs = 600_000;
const deleteOwn = `
  if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
  return 0`;

const underLease: Act = who => async urls => {
  const redis = new Redis(urls.redisUrl, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => undefined);
  const token = randomUUID();
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await sleep(50);
      if ((await redis.set('lock:slot', token, 'PX', leaseMs, 'NX')) === null) continue;
      const told = await onePgClient(bookOnce(who))(urls);
      await redis.eval(deleteOwn, 1, 'lock:slot', token);
      return told;
    }
    return 'busy';
  } finally {
    redis.disconnect();
  }
};

const retried: (who: string) => Work = who => async query => {
  for (let attempt = 0; attempt < 3; attempt++) {
    const told = await transaction('begin isolation level serializable', bookOnce(who))(query);
    if (told !== '40001') return told;
  }
  return 'busy';
};

const orderWithLines: (who: string) => Work = who => async query => {
  const [order] = await query(`insert into orders (who) values ('${who}') returning id`);
  await query(`insert into line (order_id, what) values ('${String(order?.id)}', 'tea')`);
  return order?.id;
};

const stamped: (who: string) => Work = who => async query => {
  const at = new Date().toISOString();
  await query(`insert into visit (who, at) values ('${who}', '${at}')`);
  return { at };
};

/** Ten that are right, with values that nobody chose in each. */
export const safe: Readonly<Record<string, SerialCase>> = {
  'two inserts with numbers from a sequence': {
    subject: twoOf(
      booking,
      inPg(who => async query => {
        const [made] = await query(`insert into booking (who) values ('${who}') returning *`);
        return made;
      }),
    ),
    gravest: 'equals a serial order',
  },
  'an order with a uuid, and lines that refer to it': {
    subject: twoOf(
      `create table orders (id uuid primary key default gen_random_uuid(), who text);
       create table line (id serial primary key, order_id uuid references orders, what text)`,
      inPg(orderWithLines),
    ),
    gravest: 'equals a serial order',
  },
  'a lock on the row before the look': {
    subject: twoOf(
      card,
      inPg(() =>
        transaction('begin', async query => {
          await query('select id from card where id = 1 for update');
          return debit(query);
        }),
      ),
    ),
    gravest: 'equals a serial order',
  },
  'one update that counts down': {
    subject: twoOf(
      card,
      inPg(() => async query => {
        const done = await query(
          'update card set balance = balance - 25 where id = 1 and balance >= 25 returning id',
        );
        if (done.length === 1) await query('insert into debit (card_id, amount) values (1, 25)');
        return done.length;
      }),
    ),
    gravest: 'equals a serial order',
  },
  'a unique constraint that swallows the second': {
    subject: twoOf(
      'create table seat (id serial primary key, number int unique, who text)',
      inPg(who => async query => {
        const text = `insert into seat (number, who) values (1, '${who}') on conflict do nothing`;
        return (await query(`${text} returning id`)).length;
      }),
    ),
    gravest: 'equals a serial order',
  },
  'serializable, and tried again': {
    subject: twoOf(booking, inPg(retried)),
    gravest: 'equals a serial order',
  },
  'an advisory lock for the transaction': {
    subject: twoOf(
      booking,
      inPg(who =>
        transaction('begin', async query => {
          await query('select pg_advisory_xact_lock(7)');
          return bookOnce(who)(query);
        }),
      ),
    ),
    gravest: 'equals a serial order',
  },
  'a lease in Redis with a token, and busy behind it': {
    subject: twoOf(booking, underLease),
    gravest: 'equals a serial order',
  },
  'sessions by token, and a counter': {
    subject: twoOf(
      '',
      inRedis(async (redis, who) => {
        const token = randomUUID();
        await redis.set(`session:${token}`, JSON.stringify({ who, at: Date.now() }), 'EX', 900);
        await redis.incr('logins');
        return { token };
      }),
    ),
    gravest: 'equals a serial order',
  },
  'moments from the clock of the caller': {
    subject: twoOf(
      'create table visit (who text, at timestamptz, seen timestamptz default clock_timestamp())',
      inPg(stamped),
    ),
    gravest: 'equals a serial order',
  },
};
