import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guard, type Isolation, type Outcome, sql } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  type Claimed,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  somebodyWaitsFor,
  toldOf,
  worded,
} from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'gift-card');
let open: OpenEngine;
let a: Session;
let b: Session;
let observer: Session;

beforeAll(async () => {
  open = openEngine(urls);
  [a, b, observer] = await Promise.all([
    Session.open(urls.databaseUrl),
    Session.open(urls.databaseUrl),
    Session.open(urls.databaseUrl),
  ]);
});
afterAll(async () => {
  await Promise.all([open.close(), a.close(), b.close(), observer.close()]);
});

const newCard = async (initialCents: number, smallestDebitCents = 1): Promise<string> =>
  idOf(
    await callRoute(open, scenario, 'post', '/gift-cards', {
      body: { initialCents, smallestDebitCents },
    }),
  );

const debit = (cardId: string, amountCents: number, strategy = worded('steps')) =>
  serveOne(open, {
    scenario,
    variant: 'plain',
    strategy,
    input: { params: { id: cardId }, body: { amountCents } },
  });

const kindsOf = async (keys: readonly string[], claimed?: Claimed) =>
  (await auditOf(open, scenario, keys, claimed)).map(({ kind }) => kind);

/** A card in memory: tells what a debit is told. */
function modelOf(initial: number, smallest: number): (amount: number) => string {
  let balance = initial;
  return amount => {
    if (balance < smallest) return 'used up';
    if (balance < amount) return 'insufficient balance';
    balance -= amount;
    return 'accepted';
  };
}

describe('the wordings', () => {
  test('agree with the model, whichever wrote before', async () => {
    const wordings = scenario.registered.variants.plain?.wordings ?? [];
    expect(wordings).toEqual(['steps', 'conditional update', 'numbered slots']);
    const command = fc.record({
      amount: fc.integer({ min: 10, max: 60 }),
      wording: fc.constantFrom(...wordings),
    });
    const agrees = fc.asyncProperty(fc.array(command, { maxLength: 10 }), async commands => {
      const id = await newCard(100, 10);
      const model = modelOf(100, 10);
      for (const { amount, wording } of commands) {
        const told = toldOf(await debit(id, amount, worded(wording)));
        expect({ amount, wording, told }).toEqual({ amount, wording, told: model(amount) });
      }
      expect(await auditOf(open, scenario, [id])).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 60 });
  });

  test('take no less than the smallest debit of the card', async () => {
    const id = await newCard(100, 10);
    await expect(debit(id, 9)).rejects.toThrow('amountCents: must be at least 10 for this card');
  });
});

const plantDebit = sql<{ id: string }>`
  insert into gift_card_debits (card_id, amount_cents, command_id)
  values ($1, $2, gen_random_uuid()) returning id`;
const setBalance = sql<{ id: string }>`
  update gift_cards set balance_cents = $2 where id = $1 returning id`;

describe('the audit', () => {
  test('finds a balance that its debits do not explain', async () => {
    const id = await newCard(5_000);
    await open.store.query(plantDebit, [id, 2_500]);
    await open.store.query(plantDebit, [id, 2_500]);
    await open.store.query(setBalance, [id, 2_500]);
    expect(await auditOf(open, scenario, [id])).toEqual([
      {
        key: id,
        kind: 'lost update',
        excess: 1,
        detail: 'the balance is 2500 cents, but 5000 less 5000 of debits leaves 0',
      },
    ]);
  });

  test.each([
    ['two of the same amount', [100, 100], 200, 2],
    ['two beside a larger one that is not lost', [100, 100, 5_000], 200, 2],
    ['one', [100, 200, 300], 300, 1],
    ['three', [101, 102, 103, 100], 306, 3],
    ['none that explains it: money is missing', [100], -50, 1],
  ])('counts the least debits that were overwritten: %s', async (_, amounts, surplus, expected) => {
    const id = await newCard(10_000);
    for (const amount of amounts) await open.store.query(plantDebit, [id, amount]);
    const left = amounts.reduce((rest, amount) => rest - amount, 10_000);
    await open.store.query(setBalance, [id, left + surplus]);
    expect(await auditOf(open, scenario, [id])).toMatchObject([
      { kind: 'lost update', excess: expected },
    ]);
  });

  test('counts the least debits that have to go', async () => {
    const id = await newCard(100);
    for (const amount of [10, 95, 5]) await open.store.query(plantDebit, [id, amount]);
    await open.store.query(setBalance, [id, -10]);
    expect((await auditOf(open, scenario, [id]))[0]).toMatchObject({
      kind: 'duplicate',
      excess: 1,
    });
  });

  test('counts the debits that the card could not pay, and a balance below zero', async () => {
    const id = await newCard(100);
    for (const amount of [60, 60, 60]) await open.store.query(plantDebit, [id, amount]);
    await open.store.query(setBalance, [id, -80]);
    expect(await auditOf(open, scenario, [id])).toEqual([
      {
        key: id,
        kind: 'duplicate',
        excess: 2,
        detail: '180 cents were spent from a card that held 100',
      },
      { key: id, kind: 'inconsistent', excess: 1, detail: 'the balance is -80 cents' },
    ]);
  });

  test('finds an acknowledged debit that is not there, on the card that it was told for', async () => {
    const [id, other] = [await newCard(100), await newCard(100)];
    const commandId = randomUUID();
    const input = { params: { id }, body: { amountCents: 10 } };
    await serveOne(open, {
      scenario,
      variant: 'plain',
      strategy: worded('steps'),
      input,
      commandId,
    });
    expect(await kindsOf([id], { acknowledged: [[id, commandId]] })).toEqual([]);
    expect(await kindsOf([id], { acknowledged: [[other, commandId]] })).toEqual([
      'lost acknowledgement',
    ]);
  });

  test('finds that a card was called used up while the smallest debit was possible', async () => {
    const id = await newCard(100, 40);
    await debit(id, 60);
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual(['false refusal']);
    await debit(id, 40);
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual([]);
  });
});

/** A has taken 25 of 50 and not committed; the command runs into A's row lock, then A commits. */
async function besideAnUncommittedDebit(
  strategy: ReturnType<typeof worded>,
): Promise<{ id: string; outcome: Outcome }> {
  const id = await newCard(50);
  await a.run(
    'begin isolation level read committed',
    `select balance_cents from gift_cards where id = ${id} for no key update`,
    `update gift_cards set balance_cents = 25, version = version + 1 where id = ${id}`,
    `insert into gift_card_debits (card_id, amount_cents, command_id) values (${id}, 25, gen_random_uuid())`,
  );
  const waiting = debit(id, 20, strategy);
  await somebodyWaitsFor(a, observer);
  await a.run('commit');
  return { id, outcome: await waiting };
}

describe('two debits at once', () => {
  const steps = (isolation: Isolation, ...guard: Guard[]) => worded('steps', { isolation, guard });

  test.each([
    ['no lock', steps('read committed')],
    ['a second look', steps('read committed', 'check twice')],
  ])('under %s: the first one is overwritten', async (_, strategy) => {
    const { id, outcome } = await besideAnUncommittedDebit(strategy);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await auditOf(open, scenario, [id])).toMatchObject([
      {
        kind: 'lost update',
        detail: 'the balance is 30 cents, but 50 less 45 of debits leaves 5',
      },
    ]);
  });

  test.each([
    ['a row lock', steps('read committed', 'lock row'), 1],
    ['a version', steps('read committed', 'compare version'), 2],
    ['REPEATABLE READ', steps('repeatable read'), 2],
    ['SERIALIZABLE', steps('serializable'), 2],
    ['one statement', worded('conditional update'), 1],
  ])('under %s: both count', async (_, strategy, attempts) => {
    const { id, outcome } = await besideAnUncommittedDebit(strategy);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts });
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });

  test('a check and a subtraction apart lose no update and overdraw the card', async () => {
    const id = await newCard(50);
    const balance = `select balance_cents from gift_cards where id = ${id}`;
    const act = [
      `update gift_cards set balance_cents = balance_cents - 40 where id = ${id}`,
      `insert into gift_card_debits (card_id, amount_cents, command_id) values (${id}, 40, gen_random_uuid())`,
      'commit',
    ];
    await a.run('begin isolation level read committed');
    await b.run('begin isolation level read committed');
    expect([await a.value(balance), await b.value(balance)]).toEqual([50, 50]);
    await a.run(...act);
    await b.run(...act);
    expect(await kindsOf([id])).toEqual(['duplicate', 'inconsistent']);
  });

  test('lock-and-read-one-statement: the reason of a refusal is read after the wait', async () => {
    const id = await newCard(50, 10);
    await a.run('begin', `update gift_cards set balance_cents = 5 where id = ${id}`);
    const waiting = debit(id, 20, worded('conditional update'));
    await somebodyWaitsFor(a, observer);
    await a.run('commit');
    expect(await waiting).toMatchObject({ kind: 'refused', detail: 'used up' });
  });
});

describe('numbered entries', () => {
  const rivalEntry = (id: string): string =>
    `insert into gift_card_debits (card_id, amount_cents, command_id, entry) values (${id}, 40, gen_random_uuid(), 1)`;

  test.each([
    ['commits: the look is repeated', 'commit', 'insufficient balance'],
    ['rolls back: its number is free again', 'rollback', 'accepted'],
  ])('wait for a rival on the same number that %s', async (_, end, told) => {
    const id = await newCard(50);
    await a.run('begin', rivalEntry(id));
    const waiting = debit(id, 20, worded('numbered slots'));
    await somebodyWaitsFor(a, observer);
    await a.run(`update gift_cards set balance_cents = 10 where id = ${id}`, end);
    expect(toldOf(await waiting)).toBe(told);
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });
});
