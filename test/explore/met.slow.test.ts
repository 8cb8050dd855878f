import { describe, expect, test } from 'vitest';
import { assertIndependent, assertSafe, type Race } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { asks, locks, onRedis, pair, verdictOn } from './callers.ts';
import { onePgClient } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const verdict = verdictOn(servers);

describe('callers that met:', { timeout: 60_000 }, () => {
  test('one waited for the other', async () => {
    const setup = 'create table slot (id int primary key); insert into slot values (1)';
    const lock = asks('begin', 'select id from slot where id = 1 for update', 'commit');
    const found = await verdict(pair(lock), { setup });
    expect(found.outcome).toBe('safe');
    expect(found.meetings).toContainEqual({
      actors: ['bob', 'ann'],
      how: 'bob waited for ann at `select id from slot where id = 1 for update`',
    });
    assertSafe(found);
  });

  test('an answer depends on the order', async () => {
    const setup = 'create table note (id serial primary key, who text)';
    const writes = asks("insert into note (who) values ('ann')");
    const found = await verdict(pair(writes, asks('select count(*) from note')), { setup });
    expect(found.outcome).toBe('safe');
    expect(found.meetings.map(({ how }) => how)).toEqual([
      'what bob was told at `select count(*) from note` depends on the order',
    ]);
    expect(found.meetings[0]?.actors).toEqual(['bob', 'ann']);
  });

  test('both wrote one row, and neither looked', async () => {
    const setup = 'create table slot (id int primary key, who text); insert into slot values (1)';
    const writes = (who: string) => asks(`update slot set who = '${who}' where id = 1`);
    const found = await verdict(pair(writes('ann'), writes('bob')), { setup });
    expect(found).toMatchObject({ outcome: 'safe' });
    expect(found.meetings.map(({ how }) => how)).toEqual([
      'ann and bob used slot id=1, and both wrote it',
    ]);
  });

  test('both chose one unique key', async () => {
    const setup = 'create table setting (name text primary key, value text)';
    const upsert = asks(
      "insert into setting values ('theme', 'dark') on conflict (name) do update set value = 'dark'",
    );
    const found = await verdict(pair(upsert), { setup });
    expect(found.meetings.map(({ how }) => how)).toEqual([
      'ann and bob used setting name=theme, and both wrote it',
    ]);
  });

  test('one wrote a key of Redis that the other used, though nobody saw it', async () => {
    const writes = onRedis(redis => redis.set('price', 200));
    const script = onRedis(redis => redis.eval("redis.call('ttl', KEYS[1])", 1, 'price'));
    const found = await verdict(pair(writes, script));
    expect(found.outcome).toBe('safe');
    expect(found.meetings.map(({ how }) => how)).toEqual([
      'ann and bob used the key price of redis, and both wrote it',
    ]);
  });

  test('a third who met nobody is named beside the verdict', async () => {
    const setup = `create table slot (id int primary key); insert into slot values (1);
      create table note (id serial primary key)`;
    const lock = asks('begin', 'select id from slot where id = 1 for update', 'commit');
    const alone = asks('insert into note default values');
    const found = await verdict({ ann: lock, bob: lock, carol: alone }, { setup });
    expect(found.outcome).toBe('safe');
    expect(found.why).toMatch(/; carol met nobody$/);
  });
});

describe('callers that never met are no verdict:', { timeout: 60_000 }, () => {
  const setup = `create table seat (id int primary key, who text); insert into seat values (1), (2);
    create table booking (id serial primary key, seat int);
    create table line (booking int references booking, number int, primary key (booking, number))`;
  const books = (seat: number) =>
    onePgClient(async query => {
      await query(`update seat set who = 'me' where id = ${seat}`);
      const [row] = await query(`insert into booking (seat) values (${seat}) returning id`);
      await query(`insert into line values (${row?.id}, 1)`);
      return row?.id;
    });
  const keys = (key: string) => onRedis(redis => redis.set(key, 'mine', 'PX', 600_000, 'NX'));
  const cases: readonly (readonly [string, Race['actors'], string])[] = [
    ['other rows of one table, with numbers of one sequence', pair(books(1), books(2)), setup],
    ['other keys', pair(keys('seat:1'), keys('seat:2')), ''],
    ['other advisory locks', pair(locks(1), locks(2)), ''],
    ['nobody writes what both read', pair(asks('select id from seat where id = 1')), setup],
    ['nobody writes the key that both read', pair(onRedis(redis => redis.get('price'))), ''],
  ];

  test.each(cases)('%s', async (_name, actors, rows) => {
    const found = await verdict(actors, { setup: rows });
    expect(found.meetings).toEqual([]);
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('but the callers never met');
    expect(found.advice).toContain("expect: 'independent'");
    expect(() => assertSafe(found)).toThrow(/never met/);
  });

  test.each(cases)('%s: as expected', async (_name, actors, rows) => {
    const found = await verdict(actors, { setup: rows, expect: 'independent' });
    expect(found).toMatchObject({ outcome: 'independent', doubts: [] });
    assertIndependent(found);
    assertSafe(found);
  });

  test('expected not to meet, and they do: a finding, with the order that shows it', async () => {
    const found = await verdict(pair(locks(1)), { expect: 'independent' });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toMatch(/expected not to meet, and they did: \w+ waited for \w+ at /);
    expect(found.counterexample?.record.lines.some(({ label }) => label.includes('lock(1)'))).toBe(
      true,
    );
    expect(() => assertIndependent(found)).toThrow(/waited for/);
  });
});
