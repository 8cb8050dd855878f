import { once } from 'node:events';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore, replay } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, programs, subject, transaction } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const everything = { servers, phases: false, preemptions: 'unbounded', reduce: false } as const;

/** Listens, looks at the table, and looks again for each message until it has seen a row. */
const listener: ActorFunction = async ({ pgUrl }) => {
  const client = new pg.Client(pgUrl);
  await client.connect();
  await client.query('listen booked');
  const heard = once(client, 'notification');
  const { rowCount } = await client.query('select id from booking');
  if (rowCount === 0) await heard;
  const again = await client.query('select id from booking');
  await client.end();
  return again.rowCount;
};
const table = 'create table booking (id serial primary key)';

describe('a notification', () => {
  test('is a step of who receives it, and arrives after the commit that sends it', async () => {
    const notifies = onePgClient(
      transaction('begin', async query => {
        await query('insert into booking default values');
        await query('notify booked');
      }),
    );
    const found = await explore(
      {
        ...subject(table, 'select 1 where false', [listener, notifies]),
        check: ([told]) => (told?.kind === 'returned' && told.value === 1 ? [] : ['it saw no row']),
      },
      everything,
    );
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect(found.orders).toBeGreaterThan(5);
  });

  test('that was sent before anybody listens is lost: the listener waits for ever', async () => {
    const forgets: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      const { rowCount } = await client.query('select id from booking');
      const heard = once(client, 'notification');
      await client.query('listen booked');
      if (rowCount === 0) await heard;
      await client.end();
    };
    const notifies = onePgClient(async query => {
      await query('insert into booking default values');
      await query('notify booked');
    });
    const found = await explore(subject(table, 'select 1 where false', [notifies, forgets]), {
      ...everything,
      preemptions: 2,
      firstOnly: true,
    });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('stuck: B waits at something in its process');
  });
});

describe('a timeout that an actor sets at the server', () => {
  const slot = `${table}; create table slot (id int primary key); insert into slot values (1)`;
  const hurries = onePgClient(
    transaction('begin', async query => {
      await query("set local lock_timeout = '1ms'");
      await query('select id from slot for update');
      await query('insert into booking default values');
    }),
  );
  const hurrying = subject(slot, 'select 1 where false', [hurries, hurries]);

  test('does not run in real time', async () => {
    const found = await explore(hurrying, everything);
    expect([...found.ends.keys()]).toEqual(['A returned · B returned']);
  });

  test('ends a wait as an event, with the code of the server', async () => {
    const options = { ...everything, preemptions: 1, events: ['timeout'] } as const;
    const found = await explore(
      {
        ...hurrying,
        check: ends => (JSON.stringify(ends).includes('55P03') ? ['a caller timed out'] : []),
      },
      options,
    );
    expect(found.outcome).toBe('unsafe');
    expect(found.counterexample?.schedule).toMatch(/@[AB]/);
  });
});

describe('beyond the budget', () => {
  const limited = { ...everything, executionsMax: 2 } as const;

  test('random schedules find what the search did not come to, and say so', async () => {
    const found = await explore(programs.transaction, {
      ...limited,
      random: { schedules: 40, seed: 1 },
    });
    expect(found).toMatchObject({ outcome: 'unsafe', exhausted: false, orders: 2, violating: 0 });
    expect(found.sampled?.violating).toBeGreaterThan(0);
    const schedule = found.counterexample?.schedule ?? '';
    const [again] = await replay(programs.transaction, schedule, limited);
    expect(again?.violations).toEqual(found.counterexample?.record.violations);
  });

  test('the same seed draws the same, and none of them makes a verdict', async () => {
    const random = { schedules: 10, seed: 7 };
    const first = await explore(programs['row lock'], { ...limited, random });
    const second = await explore(programs['row lock'], { ...limited, random });
    expect(first).toMatchObject({ outcome: 'budget-stopped', exhausted: false });
    expect(first.why).toContain('seed 7');
    expect(second.sampled).toEqual(first.sampled);
  });
});
