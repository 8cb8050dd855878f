import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { verdictText } from '../../src/explore/verdict.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { asks, locks, onRedis, pair, verdictOn } from './callers.ts';
import { onePgClient, programs } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const verdict = verdictOn(servers);

describe('what callers are told is part of the verdict:', { timeout: 60_000 }, () => {
  test('it is counted for each, and printed', async () => {
    const found = await explore(programs['redis lease'], {
      servers,
      phases: false,
      preemptions: 0,
    });
    const [first] = found.told;
    expect(first?.actor).toBe('actor 0');
    expect(first?.endings.reduce((sum, { orders }) => sum + orders, 0)).toBe(found.orders);
    expect(verdictText(found)).toMatch(
      /What the callers were told:\n- actor 0: returned "served" \d+/,
    );
  });

  const setup = 'create table seat (id int primary key)';
  const fails = asks('insert into seat values (1)');

  test('who throws in an order without an event leaves no verdict', async () => {
    const found = await verdict(pair(fails), { setup });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toMatch(
      /ann threw 23505: duplicate key .* in \d of \d orders without an event/,
    );
    expect(found.advice).toContain("refusals: ['23505']");
  });

  test.each([['23505'], [/duplicate key/]])(
    'unless it is a declared refusal: %s',
    async refusal => {
      expect((await verdict(pair(fails), { setup, refusals: [refusal] })).outcome).toBe('safe');
      const other = await verdict(pair(fails), { setup, refusals: ['40001'] });
      expect(other.outcome).toBe('inconclusive');
    },
  );

  test('in an order with an event a failure is the consequence of it', async () => {
    const lock = locks(1);
    const found = await verdict(pair(lock), { events: ['backend-terminated'] });
    expect([...found.ends.keys()].join()).toMatch(/threw/);
    expect(found.outcome).toBe('safe');
  });

  test('all refused in every order: nobody got anything', async () => {
    const refused = asks('select pg_advisory_xact_lock(1)', 'insert into seat values (1)');
    const rows = `${setup}; insert into seat values (1)`;
    const found = await verdict(pair(refused), { setup: rows, refusals: ['23505'] });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('no caller got what it asked for in any order');
  });

  test('one caller is no race', async () => {
    const found = await verdict({ ann: asks('select pg_advisory_xact_lock(1)') });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('ann is the only caller');
    expect(found.why).not.toContain('only one order');
  });
});

describe('beside the verdict stands', { timeout: 60_000 }, () => {
  test('an event that was asked for and could not happen', async () => {
    const lock = locks(1);
    const found = await verdict(pair(lock), { events: ['crash', 'lease-expires'] });
    expect(found).toMatchObject({ outcome: 'safe', noOccasion: ['lease-expires'] });
    expect(found.why).toMatch(/; there was no occasion for lease-expires$/);
  });

  test('what one message hides, and it is never all orders', async () => {
    const setup = `create table booking (seat int); create table hit (n int); insert into hit values (0);
      create procedure book() language plpgsql as $$ begin
        update hit set n = n + 1; commit; insert into booking values (1); end $$`;
    const found = await verdict(pair(asks('call book()')), { setup });
    expect(found.outcome).toBe('inconclusive');
    expect(found.hidden).toEqual(['call book(): a procedure that may commit']);
    expect(found.why).not.toMatch(/\ball \d+ orders/);
    expect(found.why).toContain('`call book()` (a procedure that may commit)');
  });

  describe('a function that looks, and acts by what it saw', () => {
    // Each statement of a VOLATILE function sees what was committed until then: two calls can both
    // find the seat free.
    const setup = `create table booking (seat int);
      create function book() returns boolean language plpgsql as $$ begin
        if exists (select from booking) then return false; end if;
        insert into booking values (1); return true; end $$`;
    const audit = 'select count(*) from booking having count(*) > 1';
    const books = pair(asks('select book()'));

    test('is found out where its writing is a step of its own', async () => {
      expect((await verdict(books, { setup, audit, phases: true })).outcome).toBe('unsafe');
    });

    test('is never called safe where it is not', async () => {
      const found = await verdict(books, { setup, audit, phases: false });
      expect(found).toMatchObject({ outcome: 'inconclusive', violating: 0 });
      expect(found.why).toContain('`select book()` (a function of several statements, book)');
      expect(found.why).not.toMatch(/\ball \d+ orders/);
    });

    test('is one step where the config says so, and that is said', async () => {
      const found = await verdict(books, { setup, audit, phases: false, oneStep: ['book'] });
      expect(found).toMatchObject({ outcome: 'safe', hidden: [] });
      expect(found.assumptions.join()).toContain('as the config says: book');
    });
  });
});

describe('the time that was given holds for', { timeout: 30_000 }, () => {
  const never = () => new Promise<void>(() => undefined);
  const probe = asks('select pg_sleep(60)');

  test.each([{ reset: never }, { probe }])('%j', async more => {
    const found = await verdict(pair(locks(1)), { ...more, secondsMax: 2, stepMs: 60_000 });
    expect(found).toMatchObject({ outcome: 'budget-stopped', orders: 0 });
  });
});

describe('no verdict says what happened and what to change:', { timeout: 60_000 }, () => {
  test('a mistake in the setup, with what Postgres says and where', async () => {
    const setup = 'create table a (id int);\n  create tabel b (id int)';
    const found = await verdict(pair(asks('select 1')), { setup });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toMatch(/syntax error .*42601.*line 2, column 10: create tabel b \(id int\)/);
    expect(found.advice).toContain('correct `setup`');
  });

  test('a judge that fails itself', async () => {
    const lock = locks(1);
    const check = () => {
      throw new Error('no such caller');
    };
    const found = await verdict(pair(lock), { check });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toBe('`check` failed: no such caller');
  });

  test.each(['reset', 'probeIf'])('%s that fails itself', async part => {
    const fails = () => {
      throw new Error('no such file');
    };
    const found = await verdict(pair(locks(1)), { [part]: fails });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toBe(`\`${part}\` failed: no such file`);
  });

  test('SQL for a lease in a row that fails while an order runs', async () => {
    const leases = [
      {
        name: 'seat',
        held: "select 'seat' as lease, 1000 / count(*) as ms from seat",
        end: 'update seat set n = 0',
      },
    ];
    const setup = 'create table seat (n int); insert into seat values (1)';
    const empties = asks('delete from seat');
    const found = await verdict(pair(empties), { setup, leases, events: ['lease-expires'] });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toBe("leases 'seat': division by zero");
  });

  test('a client that asks for what no gate carries', async () => {
    const found = await verdict(pair(onRedis(redis => redis.monitor())));
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('does not carry MONITOR');
  });

  test('a fault of our own, with its stack', async () => {
    const lock = locks(1);
    const subject = { setup: '', audit: 'select 1 where false', actors: pair(lock) };
    const progress = () => {
      throw new Error('a bug of ours');
    };
    const found = await explore(subject, { servers, progress });
    expect(found).toMatchObject({
      outcome: 'internal-error',
      advice: expect.stringContaining('report'),
    });
    expect(found.cause).toMatch(/a bug of ours\n\s+at .*verdict\.test/);
  });

  test('another order each time: it names what may be the cause', async () => {
    let runs = 0;
    const wavers = onePgClient(query => {
      runs++;
      return query(runs % 3 === 0 ? 'select 1 as a, now()' : 'select count(*) from pg_class');
    });
    const found = await verdict(pair(wavers));
    expect(found.outcome).toBe('nondeterministic');
    expect(found.why).toMatch(/^the same order met other steps when it was repeated: after /);
    expect(found.advice).toContain('a variable of a module');
  });
});
