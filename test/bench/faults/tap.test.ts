import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WirePoint } from '../../../bench/faults/phases.ts';
import { PostgresPassage } from '../../../bench/faults/wire/postgres-passage.ts';
import { RedisPassage } from '../../../bench/faults/wire/redis-passage.ts';
import { Strike } from '../../../bench/faults/wire/strike.ts';
import { Tap } from '../../../bench/faults/wire/tap.ts';
import { freshDatabase } from '../../database.ts';
import { testServers } from '../../servers.ts';

const { url } = await freshDatabase();
const strikes = new Set<Strike>();
const reports: string[] = [];
const report = (line: string): void => void reports.push(line);
let past: pg.Client;
let postgres: Tap;
let redis: Tap;

const connected = async (to: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: to });
  client.on('error', () => {}); // a reset is part of the test
  await client.connect();
  return client;
};

beforeAll(async () => {
  past = await connected(url);
  await past.query('create table cards (id bigint primary key, cents integer)');
  postgres = await Tap.open({
    name: 'postgres',
    url,
    passage: ends => new PostgresPassage(ends, strikes),
    report,
  });
  redis = await Tap.open({
    name: 'redis',
    url: testServers().redisUrl,
    passage: ends => new RedisPassage(ends, 'redis', strikes),
    report,
  });
});
afterAll(async () => {
  await past.end();
  await postgres.close();
  await redis.close();
});

const key = '7310000059';
beforeEach(async () => {
  strikes.clear();
  await past.query('truncate cards');
  await past.query('insert into cards values ($1, 50)', [key]);
});

const strikeAt = (point: Partial<WirePoint>): Strike => {
  const at: WirePoint = {
    store: 'postgres',
    purpose: 'commit',
    hold: 'request',
    servers: 'one',
    ...point,
  };
  const strike = new Strike(key, at, 3);
  strikes.add(strike);
  return strike;
};
const centsNow = async (): Promise<number> => {
  const { rows } = await past.query<{ cents: number }>('select cents from cards');
  return rows[0]?.cents ?? -1;
};

/** What a command does: each step is noted when its answer has arrived. */
async function command(client: pg.Client, steps: string[], id = key): Promise<void> {
  const run = async (name: string, text: string, values: unknown[] = []): Promise<void> => {
    await client.query(text, values);
    steps.push(name);
  };
  await run('begin', 'begin');
  await run('read', 'select cents from cards where id = $1', [id]);
  await run('write', 'update cards set cents = 25 where id = $1', [id]);
  await run('commit', 'commit');
}

describe('a transaction on the struck key', () => {
  test.each<[string, Partial<WirePoint>, readonly string[], number]>([
    ['the answer to its deciding read', { purpose: 'deciding', hold: 'reply' }, ['begin'], 50],
    ['its first write', { purpose: 'write', hold: 'request' }, ['begin', 'read'], 50],
    ['the answer to its write', { purpose: 'write', hold: 'reply' }, ['begin', 'read'], 50],
    ['COMMIT, not applied', { hold: 'request' }, ['begin', 'read', 'write'], 50],
    ['COMMIT, applied', { hold: 'reply' }, ['begin', 'read', 'write'], 25],
  ])('is held at %s, and others pass', async (_what, point, done, cents) => {
    const strike = strikeAt(point);
    const [struck, other] = [await connected(postgres.url), await connected(postgres.url)];
    const steps: string[] = [];
    const running = command(struck, steps);
    expect(await strike.reached(5_000)).toBe(true);
    await command(other, [], '1'); // a whole transaction on another key, meanwhile
    expect(steps).toEqual(done);
    expect(await centsNow()).toBe(cents);
    expect(strike.lines.filter(({ held }) => held)).toHaveLength(1);
    expect(strike.lines.at(-1)).toMatchObject({ held: true, purpose: strike.point.purpose });
    strike.release();
    await running;
    expect(await centsNow()).toBe(25);
    await Promise.all([struck.end(), other.end()]);
  });

  test('whose client goes away while COMMIT is held is undone', async () => {
    const strike = strikeAt({ hold: 'request' });
    const struck = await connected(postgres.url);
    const running = command(struck, []).catch(() => 'gone');
    expect(await strike.reached(5_000)).toBe(true);
    const pid = strike.backends.work;
    Reflect.get(struck, 'connection').stream.destroy();
    expect(await running).toBe('gone');
    await expect
      .poll(
        async () =>
          (await past.query('select from pg_stat_activity where pid = $1', [pid])).rowCount,
      )
      .toBe(0);
    expect(await centsNow()).toBe(50);
  });

  test('is committed though its reply never arrives: that connection is reset, and no other', async () => {
    const strike = strikeAt({ hold: 'reply' });
    const [struck, other] = [await connected(postgres.url), await connected(postgres.url)];
    const running = command(struck, []).catch(() => 'reset');
    expect(await strike.reached(5_000)).toBe(true);
    postgres.reset(strike.heldConnection ?? '');
    expect(await running).toBe('reset');
    expect(await centsNow()).toBe(25);
    expect((await other.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    strike.release();
    await other.end();
  });

  test('that comes second is not held', async () => {
    const strike = strikeAt({ hold: 'request' });
    const [first, second] = [await connected(postgres.url), await connected(postgres.url)];
    const running = command(first, []);
    expect(await strike.reached(5_000)).toBe(true);
    const reading = async (): Promise<string> => {
      await second.query('begin');
      await second.query('select cents from cards where id = $1', [key]);
      await second.query('commit');
      return 'passed';
    };
    const patience = new Promise(resolve => setTimeout(resolve, 2_000, 'held'));
    const end = await Promise.race([reading(), patience]);
    strike.release();
    await running;
    await Promise.all([first.end(), second.end()]);
    expect(end).toBe('passed');
  });

  test('is told from one that waits, and from one that looks only', async () => {
    const strike = strikeAt({ purpose: 'deciding', hold: 'unanswered' });
    const looking = await connected(postgres.url);
    await looking.query('select cents from cards where id = $1', [key]);
    expect(await strike.reached(300)).toBe(false);
    await past.query('begin');
    await past.query('select from cards where id = $1 for update', [key]);
    await looking.query('begin');
    const waiting = looking.query('select from cards where id = $1 for update', [key]);
    expect(await strike.reached(5_000)).toBe(true);
    await past.query('commit');
    await waiting;
    await looking.end();
  });
});

describe('a lease on the struck key', () => {
  test('is held between the grant and its holder, and the record has both', async () => {
    const strike = strikeAt({ store: 'redis', purpose: 'lock', hold: 'reply' });
    const [client, direct] = [new Redis(redis.url), new Redis(testServers().redisUrl)];
    const name = `test:lock:cards/${key}`;
    await direct.set(name, 'somebody', 'PX', 60_000);
    expect(await client.set(name, 'me', 'PX', 60_000, 'NX')).toBeNull(); // a refusal is not held
    await direct.del(name);
    const granted = client.set(name, 'me', 'PX', 60_000, 'NX');
    expect(await strike.reached(5_000)).toBe(true);
    expect(await direct.get(name)).toBe('me');
    strike.release();
    expect(await granted).toBe('OK');
    expect(strike.lines.map(({ text, held }) => [text.slice(0, 9), held])).toEqual([
      ['set test:', false],
      ['null', false],
      ['set test:', false],
      ['"OK"', true],
    ]);
    await direct.del(name);
    client.disconnect();
    direct.disconnect();
  });
});

describe('a way that goes silent', () => {
  test('answers nothing and tells nobody, until it speaks again', async () => {
    const client = await connected(postgres.url);
    postgres.goSilent();
    const asked = client.query('select 1').then(
      () => 'answered',
      () => 'reset',
    );
    const patience = new Promise(resolve => setTimeout(resolve, 300, 'silent'));
    expect(await Promise.race([asked, patience])).toBe('silent');
    postgres.speakAgain();
    expect(await asked).toBe('reset');
    const again = await connected(postgres.url);
    expect((await again.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await again.end();
    expect(reports).toEqual([]);
  });
});
