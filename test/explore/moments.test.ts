/** Time that passes between the callers' clocks and the servers', and the moment that BEGIN fixes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { explore, replay, type Subject } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, subject, transaction, type Work } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };

test('a lease by the clock of its holder lasts as long in the last order as in the first', async () => {
  const leaseMs = 400;
  const setup = `create table booking (id serial primary key);
    create table lease (until timestamptz); insert into lease values ('2000-01-01')`;
  const works = onePgClient(async query => {
    const until = new Date(Date.now() + leaseMs).toISOString();
    const text = `update lease set until = '${until}' where until < now() returning 1 as one`;
    if ((await query(text)).length === 1) await query('insert into booking default values');
  });
  let orders = 0;
  const found = await explore(
    {
      ...subject(setup, atMostOne, [works, works]),
      reset: async () => {
        orders++;
        if (orders > 1) await sleep(leaseMs / 2); // the first orders take longer than the lease
      },
    },
    { servers, phases: false, preemptions: 1 },
  );
  expect(found.orders).toBeGreaterThan(3);
  expect(found.outcome).toBe('safe');
});

describe('the time of a transaction is that of its BEGIN', () => {
  const insert: Work = async query => {
    await query('select pg_advisory_xact_lock(1)');
    await query('insert into event default values');
  };
  const writes = onePgClient(transaction('begin', insert));
  const inOrder: Subject = subject(
    'create table event (id serial primary key, at timestamptz not null default now())',
    'select a.id from event a join event b on a.id < b.id and a.at > b.at',
    [writes, writes],
  );

  test('so that a later row may be the earlier one, which one order shows', async () => {
    const options = { servers, phases: false, preemptions: 1 };
    const found = await explore(inOrder, options);
    expect(found.outcome).toBe('unsafe');
    expect(found.counterexample?.schedule).toMatch(/^v2:(-ABBBAAA|-BAAABBB)$/);
    const schedule = found.counterexample?.schedule ?? '';
    const [record] = await replay(inOrder, schedule, options);
    expect(record?.violations).toHaveLength(1);
  });

  test('where nobody reads it, no order more is run', async () => {
    const look = onePgClient(transaction('begin', query => query('select count(*) from event')));
    const plain = { ...inOrder, actors: { ann: look, bob: look } };
    const { orders } = await explore(plain, { servers, phases: false });
    expect(orders).toBe(6);
  });
});
