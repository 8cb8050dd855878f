import pg from 'pg';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { onePgClient, transaction, type Work } from '../programs.ts';
import { booking, bookOnce, inPg, type SerialCase, twoOf } from './subjects.ts';

const unretried: (who: string) => Work = who => async query => {
  await query('begin isolation level serializable');
  const told = await bookOnce(who)(query);
  await query('commit');
  return told;
};

/** Orders of the other kinds. */
export const others: Readonly<Record<string, SerialCase>> = {
  'a report that reads twice': {
    subject: {
      setup: `create table account (id int primary key, balance int);
        insert into account values (1, 100), (2, 0)`,
      actors: {
        ann: onePgClient(
          transaction('begin', async query => {
            await query('update account set balance = balance - 40 where id = 1');
            await query('update account set balance = balance + 40 where id = 2');
          }),
        ),
        bob: onePgClient(async query => {
          const [one] = await query('select balance from account where id = 1');
          const [two] = await query('select balance from account where id = 2');
          return Number(one?.balance) + Number(two?.balance);
        }),
      },
    },
    gravest: 'only answers differ',
  },
  'serializable, and not tried again': {
    subject: twoOf(booking, inPg(unretried)),
    gravest: 'only an error that asks for a retry',
  },
  'busy, and done all the same': {
    subject: twoOf(
      `${booking}; create table turn (taken bool); insert into turn values (false)`,
      inPg(who => async query => {
        await query(`insert into booking (who) values ('${who}')`);
        const text = 'update turn set taken = true where not taken returning 1';
        const mine = await query(text);
        await query(`update turn set taken = false`);
        return mine.length === 1 ? 'done' : 'busy';
      }),
    ),
    gravest: 'effects differ',
  },
  'two locks taken in two orders': {
    subject: {
      setup:
        'create table a (n int); create table b (n int); insert into a values (0); insert into b values (0)',
      actors: {
        ann: locksBoth('a', 'b'),
        bob: locksBoth('b', 'a'),
      },
    },
    gravest: 'only an error that asks for a retry',
  },
  'a number of a sequence that two read': {
    subject: twoOf(
      `create sequence ticket; create table ticket_of (number bigint default nextval('ticket'), who text)`,
      inPg(who => async query => {
        const [next] = await query("select nextval('ticket')");
        const [last] = await query('select last_value as n from ticket');
        await query(`insert into ticket_of values (${String(last?.n)}, '${who}')`);
        return next === undefined ? 'none' : 'sold';
      }),
    ),
    gravest: 'not judged',
  },
  'a transaction that is left open': {
    subject: {
      setup: booking,
      actors: {
        ann: onePgClient(bookOnce('ann')),
        bob: async ({ pgUrl }) => {
          const client = new pg.Client(pgUrl);
          client.on('error', () => undefined);
          await client.connect();
          await client.query('begin');
          await client.query("insert into booking (who) values ('bob')");
          return 'booked';
        },
      },
    },
    gravest: 'not judged',
  },
};

function locksBoth(first: string, second: string): ActorFunction {
  return onePgClient(async query => {
    await query('begin');
    await query(`update ${first} set n = n + 1`);
    await query(`update ${second} set n = n + 1`);
    await query('commit');
  });
}
