/** What one message hides: several steps that cannot be told apart, each named. */
import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const options = { servers, phases: false } as const;
const table = 'create table booking (id serial primary key, who text)';

/** A trigger that looks at the table on which it is. */
const caps = `create function cap() returns trigger language plpgsql as $$ begin
    if (select count(*) from booking) > 1 then raise 'full'; end if; return new; end $$;
  create trigger caps before insert on booking for each row execute function cap();`;

/** A function that looks and acts. */
const book = `create function book() returns void language plpgsql as $$ begin
  if (select count(*) from booking) = 0 then insert into booking (who) values ('a'); end if; end $$`;

/** A type of which every value is looked up. */
const free = `create function is_free(int) returns bool language plpgsql as $$ begin
    return not exists (select from booking where id = $1); end $$;
  create domain free_seat as int check (is_free(value));`;

async function hides(text: string, more = ''): Promise<readonly string[]> {
  const actor = onePgClient(query => query(text).catch(() => undefined));
  const found = await explore(subject(`${table}; ${more}`, 'select 1', [actor]), options);
  return found.counterexample?.record.hides ?? [];
}

describe('one message', () => {
  test('names what it hides where it would mean something else in parts', async () => {
    const two = "insert into booking (who) values ('a'); select 2 from booking";
    const several = 'several statements in one message';
    expect(await hides(two)).toEqual([`${two}: ${several}`]);
    expect(await hides(`begin; ${two}; commit`)).toEqual([]);
    expect(await hides(`begin; select 1 from booking; commit; ${two}`)).toEqual([
      `${two}: ${several}`,
    ]);
  });

  test.each<[string, string, string, string | undefined]>([
    ['a block', '', 'do $$ begin perform 1; end $$', undefined],
    ['a longer block', '', 'do $$ begin perform 1; perform 2; end $$', 'a DO block'],
    [
      'a procedure',
      'create procedure book() language plpgsql as $$ begin perform 1; commit; end $$',
      'call book()',
      'a procedure that may commit',
    ],
    [
      'a function that looks and acts',
      `create function book() returns void language plpgsql as $$ begin
        if (select count(*) from booking) = 0 then insert into booking (who) values ('a'); end if; end $$`,
      'select public.book()',
      'a function of several statements, book',
    ],
    [
      'a function that looks once',
      "create function look() returns bigint language sql as 'select count(*) from booking'",
      'select look()',
      undefined,
    ],
    [
      'a trigger that looks',
      `create function check_it() returns trigger language plpgsql as $$ begin
        if (select count(*) from booking) > 1 then raise 'full'; end if; return null; end $$;
      create trigger full_up after insert on booking for each row execute function check_it()`,
      "insert into booking (who) values ('a')",
      'what a write to booking runs (a trigger, a rule)',
    ],
    [
      'a trigger that is reached through a function of one statement',
      `${caps} create function book() returns void language sql as $$
        insert into booking (who) values ('a') $$`,
      'select book()',
      'a function of several statements, book',
    ],
    [
      'a trigger that is reached through a view',
      `${caps} create view seats as select who from booking`,
      "insert into seats (who) values ('a')",
      'what a write to seats runs (a trigger, a rule)',
    ],
    [
      'a trigger that is reached through a cascade',
      `create table item (id int references booking on delete cascade);
      create function looks() returns trigger language plpgsql as $$ begin
        perform count(*) from booking; return old; end $$;
      create trigger looks after delete on item for each row execute function looks()`,
      'delete from booking',
      'what a write to booking runs (a trigger, a rule)',
    ],
    [
      'a trigger on a partition',
      `create table part (seat int) partition by list (seat);
      create table part_1 partition of part for values in (1);
      create function looks() returns trigger language plpgsql as $$ begin
        perform count(*) from part; return new; end $$;
      create trigger looks before insert on part_1 for each row execute function looks()`,
      'insert into part values (1)',
      'what a write to part runs (a trigger, a rule)',
    ],
    [
      'a CHECK that looks',
      `create function sold() returns bigint language sql as 'select count(*) from booking';
      alter table booking add check (sold() < 9)`,
      "insert into booking (who) values ('a')",
      'functions that look, which booking calls',
    ],
    [
      'a value from a function that looks',
      "create function next_one() returns text language sql as 'select max(who) from booking'",
      'insert into booking (who) values (next_one())',
      'a function that looks for itself, next_one',
    ],
    [
      'a rule',
      'create rule twice as on insert to booking do also delete from booking where who is null',
      "insert into booking (who) values ('a')",
      'what a write to booking runs (a trigger, a rule)',
    ],
    [
      'two calls of a function that looks',
      "create function look() returns bigint language sql as 'select count(*) from booking'",
      'select look() + look()',
      'a function that looks for itself, look',
    ],
    [
      'a function that looks, for each of several rows',
      "create function look() returns bigint language sql as 'select count(*) from booking'",
      'select look() from generate_series(1, 2)',
      'a function that looks for itself, look',
    ],
    [
      'a function that looks, as a table',
      "create function look() returns bigint language sql as 'select count(*) from booking'",
      'select * from look()',
      undefined,
    ],
    [
      'a look beside a try-lock',
      '',
      'select pg_try_advisory_xact_lock(7), (select count(*) from booking)',
      'a look, and a lock that is only tried',
    ],
    [
      'a look at other rows than those that it locks, unless somebody has them',
      'create table room (id int)',
      'select id from room where not exists (select from booking) for update nowait',
      'a look, and a lock that is only tried',
    ],
    [
      'a queue',
      '',
      `with next as (select id from booking order by id limit 1 for update skip locked)
        update booking set who = 'a' from next where booking.id = next.id`,
      undefined,
    ],
    [
      'a lock on rows that have such a trigger',
      `create function look() returns trigger language plpgsql as $$ begin
        perform count(*) from booking; return null; end $$;
      create trigger looks after update on booking for each row execute function look()`,
      'select who from booking for no key update',
      undefined,
    ],
    [
      'a trigger that sets a column',
      `create function stamp() returns trigger language plpgsql as $$ begin
        new.who := upper(new.who); return new; end $$;
      create trigger stamps before insert on booking for each row execute function stamp()`,
      "insert into booking (who) values ('a')",
      undefined,
    ],
    [
      'a block that calls a longer function',
      book,
      'do $$ begin perform book(); end $$',
      'a function of several statements, book',
    ],
    [
      'a block that writes where a trigger looks',
      caps,
      "do $$ begin insert into booking (who) values ('a'); end $$",
      'what a write to booking runs (a trigger, a rule)',
    ],
    [
      'a block that puts its text together',
      book,
      "do $$ begin execute 'select ' || 'book' || '()'; end $$",
      'a DO block',
    ],
    [
      'a block that runs a plain text',
      '',
      "do $$ begin execute format('insert into %I (who) values (%L)', 'booking', 'a'); end $$",
      undefined,
    ],
    [
      'a function that runs any text',
      `create function run(text) returns void language plpgsql as $$ begin execute $1; end $$`,
      "select run('select 1')",
      'a function of several statements, run',
    ],
    [
      'a STABLE function that calls a longer one',
      `${book}; create function api_book() returns void language plpgsql stable as
        $$ begin perform book(); end $$`,
      'select api_book()',
      'a function of several statements, api_book',
    ],
    [
      'a longer function, called like a column',
      `create table seat (id int); create function booked(seat) returns void language plpgsql as
        $$ begin perform 1; perform 2; end $$`,
      'select s.booked from seat s',
      'a function of several statements, booked',
    ],
    [
      'an aggregate of a function that looks',
      `create function adds(int, int) returns int language sql as
        'select $1 + $2 + count(*)::int from booking';
      create aggregate adds_all(int) (sfunc = adds, stype = int)`,
      'select adds_all(id) from booking',
      'a function of several statements, adds_all',
    ],
    [
      'an operator that looks',
      `create function beside(int, int) returns bigint language sql as 'select count(*) from booking';
      create operator ### (leftarg = int, rightarg = int, function = beside)`,
      'select 1 ### 2',
      'what an operator or a cast may run, beside',
    ],
    [
      'a domain that looks, of a column',
      `${free} alter table booking add seat free_seat default null`,
      "insert into booking (who) values ('a')",
      'functions that look, which booking calls',
    ],
    [
      'a domain that looks',
      `${free}`,
      'select 1::free_seat, count(*) from booking',
      'functions that look, which free_seat calls',
    ],
    [
      'a trigger that calls a STABLE function that looks',
      `create function full_up() returns bool language sql stable as
        'select count(*) > 1 from booking';
      create function cap() returns trigger language plpgsql as $$ begin
        if full_up() then raise 'full'; end if; return new; end $$;
      create trigger caps before insert on booking for each row execute function cap()`,
      "insert into booking (who) values ('a')",
      'what a write to booking runs (a trigger, a rule)',
    ],
    [
      'a function that looks by a STABLE one, and acts',
      `create function is_full() returns bool language sql stable as 'select count(*) > 1 from booking';
      create function book() returns void language plpgsql as $$ begin
        if is_full() then return; end if; insert into booking (who) values ('a'); end $$`,
      'select book()',
      'a function of several statements, book',
    ],
    [
      'a STABLE function that looks',
      `create function sold() returns bigint language sql stable as 'select count(*) from booking'`,
      'select sold(), sold()',
      undefined,
    ],
    [
      'a function that calls one that only computes, and acts',
      `create function twice(text) returns text language plpgsql as $$ begin return $1 || $1; end $$;
      create function book() returns void language plpgsql as $$ declare t text; begin
        t := twice('a'); insert into booking (who) values (t); end $$`,
      'select book()',
      undefined,
    ],
  ])('%s', async (_, setup, text, why) => {
    expect(await hides(text, setup)).toEqual(why === undefined ? [] : [`${text}: ${why}`]);
  });
});
