import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, programs, subject, transaction } from './programs.ts';

const admin = new pg.Pool({ connectionString: testServers().postgresUrl, max: 1 });
const [maker, nobody] = [`maker_${process.pid}`, `nobody_${process.pid}`];

function urlOf(role: string): string {
  const url = new URL(testServers().postgresUrl);
  [url.username, url.password] = [role, 'x'];
  return url.href;
}

beforeAll(async () => {
  await admin.query(`create role ${maker} login createdb password 'x'`);
  await admin.query(`create role ${nobody} login password 'x'`);
});
afterAll(async () => {
  await admin.query(`drop role ${maker}, ${nobody}`);
  await admin.end();
});

const asMaker = { pgUrl: urlOf(maker), redisUrls: [] };
const asSuperuser = { pgUrl: testServers().postgresUrl, redisUrls: [] };

/** A parent that stands behind its child by name, and one that refers to itself. */
const family = `
  create table a_child (id serial primary key, parent int);
  create table z_parent (id int primary key, above int references z_parent);
  insert into z_parent values (1, null), (2, 1);
  insert into a_child (parent) values (1), (2);
  alter table a_child add foreign key (parent) references z_parent on delete cascade;
  create table booking (id serial primary key, parent int references z_parent)`;

const books = onePgClient(
  transaction('begin', async query => {
    await query('insert into a_child (parent) values (2)');
    const [row] = await query('select count(*)::int as n from booking');
    if (row?.n === 0) await query('insert into booking (parent) values (2)');
  }),
);

const withTrigger = `${family};
  create table journal (entry text);
  create function note() returns trigger language plpgsql as $$
    begin insert into journal values (tg_op); return null; end $$;
  create trigger noted after insert or delete on booking for each row execute function note();
  insert into booking (parent) values (1);
  truncate journal`;

const atMostTwo = `
  select count(*)::int as entries from journal having count(*) < 2 or count(*) > 3`;

describe('a role that is no superuser and may create databases', { timeout: 120_000 }, () => {
  const subjects = {
    autocommit: programs.autocommit,
    'row lock': programs['row lock'],
    serializable: programs.serializable,
    'foreign keys': subject(family, atMostOne, [books, books]),
    triggers: subject(withTrigger, atMostTwo, [
      onePgClient(query => query('insert into booking (parent) values (2)')),
      onePgClient(query => query('delete from booking')),
    ]),
  };

  test.each(Object.entries(subjects))('%s: finds what a superuser finds', async (_name, one) => {
    const options = {
      events: ['backend-terminated'],
      preemptions: 1,
      preemptionsWithEvent: 0,
    } as const;
    const found = await explore(one, { servers: asMaker, ...options });
    const known = await explore(one, { servers: asSuperuser, ...options });
    const { outcome, why, orders, violating, exhausted } = known;
    expect(found).toMatchObject({ outcome, why, orders, violating, exhausted });
    expect(['safe', 'unsafe']).toContain(outcome);
    expect(found.assumptions.join()).toContain(`'${maker}' is no superuser`);
    expect(known.assumptions.join()).not.toContain('superuser');
  });

  test('leaves no database', async () => {
    const { rows } = await admin.query(
      `select datname from pg_database where datdba = '${maker}'::regrole`,
    );
    expect(rows).toEqual([]);
  });
});

test('a role that may not create databases is told how it may', async () => {
  const found = await explore(programs.autocommit, { servers: { pgUrl: urlOf(nobody) } });
  expect(found.outcome).toBe('setup-failed');
  expect(found.why).toContain(`alter role ${nobody} createdb`);
});
