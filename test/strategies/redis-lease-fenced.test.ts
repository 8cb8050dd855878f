import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { claimFenceSql } from '../../src/store/sql.ts';
import { fenceCounter } from '../../strategies/lib/fenced-leases.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redisLeaseFenced from '../../strategies/redis-lease-fenced.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  somebodyWaitsFor,
} from '../scenarios/commands.ts';
import { actor } from './redis-actor.ts';

const registry = await loadRegistry();
const [server] = await ownRedisServers(1);
if (!server) throw new Error('one server was asked for');
const { databaseUrl } = await scenarioDatabase(registry);
const giftCard = scenarioNamed(registry, 'gift-card');
let open: OpenEngine;
let a: Session;
let b: Session;

beforeAll(async () => {
  open = openEngine(
    { databaseUrl, redisUrl: server.url, redisNodeUrls: [] },
    { extendLease: false },
  );
  [a, b] = await Promise.all([Session.open(databaseUrl), Session.open(databaseUrl)]);
});
beforeEach(() => server.fresh());
afterAll(async () => {
  await Promise.all([open.close(), a.close(), b.close()]);
});

const newCard = async (): Promise<string> =>
  idOf(
    await callRoute(open, giftCard, 'post', '/gift-cards', {
      body: { initialCents: 100, smallestDebitCents: 1 },
    }),
  );

const debit = (id: string, amountCents: number): Promise<Outcome> => {
  const input = { params: { id }, body: { amountCents } };
  return serveOne(open, {
    scenario: giftCard,
    variant: 'plain',
    strategy: redisLeaseFenced,
    input,
  });
};

const fenceOf = (id: string) => a.value(`select fence from gift_cards where id = ${id}`);

describe('the token', () => {
  test('rises with every grant, whatever the key, and comes with it in one message', async () => {
    const one = await actor(redisLeaseFenced, [server]);
    const tokens: (bigint | undefined)[] = [];
    const turn = (key: string) => one.turn(key, async ({ token }) => tokens.push(token));
    await turn('fence/1'); // from here on the server knows the script
    await server.admin.config('RESETSTAT');
    for (const key of ['fence/1', 'fence/2', 'fence/1']) await turn(key);
    const stats = await server.admin.info('commandstats');
    await one.close();
    expect(tokens).toEqual([1n, 2n, 3n, 4n]);
    expect(stats).toMatch(/cmdstat_evalsha:calls=6,/); // three grants, three releases
  });

  test('is minted only for who gets all keys', async () => {
    const [one, two] = [
      await actor(redisLeaseFenced, [server]),
      await actor(redisLeaseFenced, [server]),
    ];
    const refused = one.turn('fence/2', () => two.turn(['fence/1', 'fence/2'], async () => 1, 100));
    await expect(refused).rejects.toMatchObject({ code: 'turn-refused' });
    expect(await server.admin.get(fenceCounter)).toBe('1');
    await Promise.all([one.close(), two.close()]);
  });
});

describe('fence-regress: the counter is lost', () => {
  test('the mark refuses, the counter is raised to it, and the next attempt is accepted', async () => {
    const id = await newCard();
    await a.run(`update gift_cards set fence = 9007199254740993 where id = ${id}`); // 2^53 + 1
    await server.admin.flushall();
    const before = open.recording.failures.length;
    expect(await debit(id, 10)).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(open.recording.failures.slice(before)).toEqual(['stale-token']);
    expect(await fenceOf(id)).toBe('9007199254740994');
    expect(await debit(id, 10)).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await auditOf(open, giftCard, [id])).toEqual([]);
  });

  test('a raise never lowers it', async () => {
    const [low, high] = [await newCard(), await newCard()];
    await a.run(`update gift_cards set fence = 7 where id = ${low}`);
    await a.run(`update gift_cards set fence = 1000 where id = ${high}`);
    expect(await debit(high, 1)).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(await debit(low, 1)).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await server.admin.get(fenceCounter)).toBe('1002');
  });

  test('Redis loses everything between two holders: both debits count', async () => {
    const id = await newCard();
    await a.run('begin', `select from gift_cards where id = ${id} for no key update`);
    const older = debit(id, 25);
    await somebodyWaitsFor(a, b);
    await server.admin.flushall(); // both will hold token 1
    const newer = debit(id, 20);
    const both = `select count(*) = 2 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`;
    await until('both wait', async () => (await b.value(both)) === true);
    await a.run('commit');
    expect(await older).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await newer).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(await auditOf(open, giftCard, [id])).toEqual([]);
  });
});

describe('fence-claim-operator: two holders of one token', () => {
  const table = {
    name: 'gift_cards',
    columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
  } as const;

  test.each([
    ['<', 'refuses the second', 0],
    ['<=', 'lets both pass', 1],
  ])('%s %s', async (operator, _, passed) => {
    const id = await newCard();
    const { text, values } = claimFenceSql(table, id, 5n);
    expect(text).toContain('fence < $2');
    const claim = { text: text.replace('fence < $2', `fence ${operator} $2`), values: [...values] };
    for (const session of [a, b]) await session.run('begin isolation level read committed');
    expect((await a.client.query(claim)).rowCount).toBe(1);
    const second = b.client.query(claim);
    await a.run('commit');
    expect((await second).rowCount).toBe(passed);
    await b.run('commit');
  });
});

test(
  'watchdog-stall: a holder that wakes behind a newer one is refused before it looks',
  realTime,
  async () => {
    const id = await newCard();
    const gate = new Gate();
    const stale = actor(redisLeaseFenced, [server]).then(one =>
      one
        .turn(`gift_cards/${id}`, async ({ token }) => {
          await gate.pass();
          return token;
        })
        .finally(() => one.close()),
    );
    await gate.arrived; // it holds token 1 and has not looked
    await server.admin.del(lockKey(`gift_cards/${id}`));
    expect(await debit(id, 10)).toMatchObject({ kind: 'accepted', attempts: 1 });
    gate.open();
    const token = await stale;
    const text = `update gift_cards set fence = ${token} where id = ${id} and fence < ${token} returning id`;
    expect(await a.value(text)).toBeNull();
  },
);
