import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { explore, type Subject } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const nothing = 'select 1 where false';

/** What sessions of callers do or hold, and what was prepared: asked before each order. */
const leftovers = `
  select 'works: ' || query from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
    and backend_type = 'client backend'
  union all
  select 'waits: ' || mode from pg_locks l join pg_stat_activity a using (pid)
  where a.datname = current_database() and a.backend_type = 'client backend' and not granted
  union all
  select 'holds: ' || relation::regclass from pg_locks l join pg_stat_activity a using (pid)
  where a.datname = current_database() and pid <> pg_backend_pid() and relation >= 16384
    and a.backend_type = 'client backend'
  union all
  select 'prepared: ' || gid from pg_prepared_xacts where database = current_database()`;

/** The same subject, and a list that fills with what is found before its orders. */
function watched(of: Subject): { readonly of: Subject; readonly found: string[]; orders: number } {
  const watch = { of, found: [] as string[], orders: 0 };
  const reset = async ({ pgUrl }: { readonly pgUrl: string }): Promise<void> => {
    watch.orders++;
    const client = new pg.Client(pgUrl);
    await client.connect();
    const { rows } = await client.query<{ readonly '?column?': string }>(leftovers);
    watch.found.push(...rows.map(row => row['?column?']));
    await client.end();
  };
  return Object.assign(watch, { of: { ...of, reset } });
}

describe('an order that is given up leaves nothing to the next', () => {
  test('pruned: two who share nothing never meet', async () => {
    const books = (seat: number) =>
      onePgClient(async query => {
        await query('begin');
        await query(`insert into seat_${seat} values (1)`);
        await query(`insert into seat_${seat} values (2)`);
        await query('commit');
      });
    const setup = 'create table seat_1 (n int); create table seat_2 (n int)';
    const apart = {
      ...subject(setup, nothing, [books(1), books(2)]),
      expect: 'independent',
    } as const;
    const watch = watched(apart);
    const found = await explore(watch.of, { servers, preemptions: 'unbounded', isolated: true });
    expect(found).toMatchObject({ outcome: 'independent', exhausted: true });
    expect(found.pruned).toBeGreaterThan(0);
    expect(watch.orders).toBeGreaterThanOrEqual(found.orders + found.pruned);
    expect(watch.found).toEqual([]);
  });

  test('stuck: one holds what the other waits for, for ever', async () => {
    const announces = onePgClient(async query => {
      await query('insert into mark values (1)');
      await query('update slot set n = n + 1 where id = 1');
      await query('delete from mark');
    });
    const holds = onePgClient(async query => {
      await query('begin');
      await query('select id from slot where id = 1 for update');
      const marks = await query('select from mark');
      if (marks.length > 0) await new Promise(() => undefined);
      await query('commit');
    });
    const setup = `create table mark (n int); create table slot (id int primary key, n int);
      insert into slot values (1, 0)`;
    const watch = watched(subject(setup, nothing, [announces, holds]));
    const found = await explore(watch.of, { servers, phases: false, preemptions: 1 });
    expect(found.why).toMatch(/stuck: A waits at update slot/);
    expect(found.exhausted).toBe(true);
    expect(watch.found).toEqual([]);
  });

  test('prepared and never committed, by one of two who write to the same row', async ({
    skip,
  }) => {
    const client = new pg.Client(servers.pgUrl);
    await client.connect();
    const { rows } = await client.query('show max_prepared_transactions');
    await client.end();
    skip(rows[0]?.max_prepared_transactions === '0', 'this server prepares no transactions');
    const prepares = onePgClient(async query => {
      await query('begin');
      await query('update slot set n = n + 1 where id = 1');
      await query(`prepare transaction 'left'`);
      await query(`commit prepared 'left'`);
    });
    const writes = onePgClient(query => query('update slot set n = n + 1 where id = 1'));
    const setup = 'create table slot (id int primary key, n int); insert into slot values (1, 0)';
    const audit = 'select n from slot where n > 2';
    const watch = watched(subject(setup, audit, [prepares, writes]));
    const found = await explore(watch.of, { servers, events: ['crash'] });
    expect(found.outcome).not.toBe('inconclusive');
    expect(found.exhausted).toBe(true);
    expect(watch.found).toEqual([]);
  });
});
