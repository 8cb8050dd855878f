import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Strategy, sql, type Tx } from '../../src/contract/index.ts';
import { KeyRefused, reasonAgainstKey } from '../../src/engine/idempotency.ts';
import { KeySweep } from '../../src/engine/idempotency-sweep.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);
const works = new Map<string, (tx: Tx) => Promise<void>>();
const registered = counterScenario(works);
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls);
});
afterAll(() => open.close());

interface Sent {
  readonly declared: Strategy;
  readonly id: string;
  readonly key: string;
  readonly fingerprint?: string;
  readonly work?: (tx: Tx) => Promise<void>;
  readonly on?: OpenEngine;
}

function serve({ declared, id, key, fingerprint = 'same', work, on = open }: Sent) {
  const workId = randomUUID();
  if (work) works.set(workId, work);
  return on.engine.serve({
    scenario: { name: 'counter', registered },
    variant: 'plain',
    strategy: { name: 'tried', declared },
    commandId: randomUUID(),
    input: { params: { id, work: workId }, body: {} },
    idempotency: { key, fingerprint },
  });
}

const listedUnder = sql<{ command_id: string }>`
  select command_id from lockstep_idempotency_commands where key = $1`;
const listed = (key: string) => open.store.query(listedUnder, [key]);

const refusalOf = (served: Promise<unknown>): Promise<unknown> =>
  served.then(
    () => 'served',
    error => (error instanceof KeyRefused ? error.reason : error),
  );

const fresh = async () => ({ id: await makeCounter(open.store.query), key: randomUUID() });
const pair = strategyNamed(registry, 'both:redis-lease+unique-slots');
const strategies = [
  ...registry.strategies.values(),
  ...('strategy' in pair ? [pair.strategy] : []),
];

describe('an idempotency key', () => {
  for (const { name, declared } of strategies) {
    test(`under ${name}: the first answer again, another payload refused, in flight told`, async () => {
      const { id, key } = await fresh();
      const gate = new Gate();
      const first = serve({ declared, id, key, work: () => gate.pass() });
      await gate.arrived;
      expect(await refusalOf(serve({ declared, id, key }))).toBe('in flight');
      gate.open();
      const { outcome, replayed } = await first;
      expect({ outcome, replayed }).toEqual({
        outcome: { kind: 'accepted', detail: id, attempts: 1 },
        replayed: undefined,
      });
      const again = await serve({ declared, id, key });
      expect(again).toMatchObject({ outcome, auditKey: id });
      expect(again.replayed?.commandId).toMatch(/^[\da-f-]{36}$/);
      const other = serve({ declared, id, key, fingerprint: 'other' });
      expect(await refusalOf(other)).toBe('another payload');
      expect(await effectsOf(open.store.query, id)).toBe(1);
    });
  }

  test('of a command that failed is free again', async () => {
    const { id, key } = await fresh();
    const declared = rowLock();
    const broken = async (): Promise<void> => {
      throw new Error('the business failed');
    };
    expect((await serve({ declared, id, key, work: broken })).outcome.kind).toBe('failed');
    const again = await serve({ declared, id, key });
    expect(again).toMatchObject({ outcome: { kind: 'accepted' } });
    expect(again.replayed).toBeUndefined();
  });

  test('lists the command that answered, and not the one that got its answer again', async () => {
    const sent = { declared: rowLock(), ...(await fresh()) };
    await serve(sent);
    const { replayed } = await serve(sent);
    expect(await listed(sent.key)).toEqual([{ command_id: replayed?.commandId }]);
  });

  test('of a refusal gives the refusal again', async () => {
    const sent = { declared: rowLock(), id: '0', key: randomUUID() };
    const [first, again] = [await serve(sent), await serve(sent)];
    expect([first.outcome, again.outcome].map(({ kind }) => kind)).toEqual(['refused', 'refused']);
    expect(again.replayed).toBeDefined();
  });

  test('sent many times at once books once, and every answer is that one or says in flight', async () => {
    for (const declared of [rowLock(), declaredOf('unique-slots'), declaredOf('serializable')]) {
      const { id, key } = await fresh();
      const told = await Promise.allSettled(
        Array.from({ length: 12 }, () => serve({ declared, id, key })),
      );
      const kinds = told.map(one =>
        one.status === 'fulfilled' ? one.value.outcome.kind : one.reason.reason,
      );
      expect(new Set(kinds)).toEqual(
        new Set([...kinds.filter(kind => kind === 'in flight'), 'accepted']),
      );
      expect(await effectsOf(open.store.query, id)).toBe(1);
    }
  });

  for (const name of ['row-lock', 'unique-slots', 'sequelize-row-lock'])
    test(`lost-commit-reply under ${name}: the command again with its key books once`, async () => {
      const proxy = await TcpProxy.open(urls.databaseUrl);
      const behind = openEngine({ ...urls, databaseUrl: proxy.url });
      const declared = declaredOf(name);
      const { id, key } = await fresh();
      const work = async (): Promise<void> => {
        proxy.onRequest = chunk => {
          if (/commit;?\0/i.test(chunk.toString('latin1'))) setImmediate(() => proxy.cut());
        };
      };
      try {
        const lost = await serve({ declared, id, key, work, on: behind });
        expect(lost.outcome).toMatchObject({ kind: 'unknown', attempts: 1 });
        const retry = () => serve({ declared, id, key });
        await until('Postgres has ended the first', async () => {
          const told = await refusalOf(retry());
          return told !== 'in flight';
        });
        const again = await retry();
        expect(again).toMatchObject({ outcome: { kind: 'accepted', detail: id } });
        expect(again.replayed).toBeDefined();
        expect(await effectsOf(open.store.query, id)).toBe(1);
      } finally {
        await behind.close();
        await proxy.close();
      }
    });

  test('a connection that breaks before COMMIT is tried again under the same key', async () => {
    const proxy = await TcpProxy.open(urls.databaseUrl);
    const behind = openEngine({ ...urls, databaseUrl: proxy.url });
    const { id, key } = await fresh();
    let tries = 0;
    const work = async (): Promise<void> => {
      tries += 1;
      if (tries === 1) proxy.cut();
    };
    try {
      const served = await serve({ declared: rowLock(), id, key, work, on: behind });
      expect(served.outcome.kind).toBe('accepted');
      expect(served.replayed).toBeUndefined();
      expect(await effectsOf(open.store.query, id)).toBe(1);
    } finally {
      await behind.close();
      await proxy.close();
    }
  });

  test('is not offered where its snapshot would come before the lock of the table', () => {
    const table = declaredOf('table-lock');
    expect(reasonAgainstKey(table)).toBeUndefined();
    expect(reasonAgainstKey({ ...table, isolation: 'repeatable read' })).toContain('table');
  });
});

describe('the sweep', () => {
  test('removes what is older than it is kept, and nothing else', async () => {
    const [old, young] = [await fresh(), await fresh()];
    for (const { id, key } of [old, young]) await serve({ declared: rowLock(), id, key });
    const age = sql`
      update lockstep_idempotency_keys set created_at = now() - interval '2 hours' where key = $1`;
    await open.store.query(age, [old.key]);
    const { query } = open.store;
    const sweep = new KeySweep({ query, keptMs: 3_600_000, onError: () => {} });
    expect(await sweep.run()).toBe(1);
    const left = sql<{ key: string }>`
      select key from lockstep_idempotency_keys where key = any ($1)`;
    expect(await query(left, [[old.key, young.key]])).toEqual([{ key: young.key }]);
    expect(await listed(old.key)).toEqual([]);
    expect(await listed(young.key)).toHaveLength(1);
  });
});

function declaredOf(name: string): Strategy {
  const found = registry.strategies.get(name);
  if (!found) throw new Error(`there is no strategy ${name}`);
  return found.declared;
}

function rowLock(): Strategy {
  return declaredOf('row-lock');
}
