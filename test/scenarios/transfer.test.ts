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
  callRoute,
  scenarioNamed,
  serveOne,
  somebodyWaitsFor,
  toldOf,
  worded,
} from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'transfer');
let open: OpenEngine;
let a: Session;
let observer: Session;

beforeAll(async () => {
  open = openEngine(urls);
  [a, observer] = await Promise.all([
    Session.open(urls.databaseUrl),
    Session.open(urls.databaseUrl),
  ]);
});
afterAll(async () => {
  await Promise.all([open.close(), a.close(), observer.close()]);
});

/** The cards of a new wallet: the lower id first. */
async function newCards(...balancesCents: number[]): Promise<string[]> {
  const { body } = await callRoute(open, scenario, 'post', '/wallets', { body: { balancesCents } });
  if (!('cards' in body) || !Array.isArray(body.cards)) throw new Error('a wallet has cards');
  return body.cards.map(card => String(card.id));
}

interface Paid {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly amount: number;
}

const pay = (
  { from, to, amount }: Paid,
  strategy = worded('steps'),
  { variant = 'plain', on = open, commandId = randomUUID() } = {},
): Promise<Outcome> =>
  serveOne(on, {
    scenario,
    variant,
    strategy,
    input: { params: {}, body: { fromCardId: from, toCardId: to, amountCents: amount } },
    commandId,
  });

const readWallet = sql<{ id: string }>`select wallet_id as id from wallet_cards where id = $1`;
const walletOf = async (card = ''): Promise<string> =>
  (await open.store.query(readWallet, [card]))[0]?.id ?? '';

/** The audit of a card's wallet, after commands on it that were acknowledged. */
const findings = async (card: string | undefined, acknowledged: readonly string[] = []) => {
  const key = await walletOf(card);
  const claimed = { acknowledged: acknowledged.map(commandId => [key, commandId] as const) };
  const found = await auditOf(open, scenario, [key], claimed);
  expect(found.filter(violation => violation.key !== key)).toEqual([]);
  return found.map(({ kind, detail }) => `${kind}: ${detail}`);
};

describe('the wordings', () => {
  test('agree with the model, whichever wrote before', async () => {
    const all = Object.entries(scenario.registered.variants).flatMap(([variant, { wordings }]) =>
      wordings.map(wording => ({ variant, wording })),
    );
    expect(all.map(({ variant, wording }) => `${variant}: ${wording}`)).toEqual([
      'plain: steps',
      'plain: conditional update',
      'unsorted: steps',
    ]);
    const command = fc.record({
      back: fc.boolean(),
      amount: fc.integer({ min: 1, max: 80 }),
      how: fc.constantFrom(...all),
    });
    const agrees = fc.asyncProperty(fc.array(command, { maxLength: 8 }), async commands => {
      const [low, high] = await newCards(100, 50);
      const balances = { low: 100, high: 50 };
      for (const { back, amount, how } of commands) {
        const [from, to] = back ? (['high', 'low'] as const) : (['low', 'high'] as const);
        const paid = back ? { from: high, to: low, amount } : { from: low, to: high, amount };
        const told = toldOf(await pay(paid, worded(how.wording), how));
        const enough = balances[from] >= amount;
        expect({ how, told }).toEqual({ how, told: enough ? 'accepted' : 'insufficient balance' });
        balances[from] -= enough ? amount : 0;
        balances[to] += enough ? amount : 0;
      }
      expect(await findings(low)).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 60 });
  });

  test('move money only between two cards of one wallet', async () => {
    const [[low], [other]] = [await newCards(1, 1), await newCards(1, 1)];
    await expect(pay({ from: low, to: low, amount: 1 })).rejects.toThrow('toCardId: must not be');
    await expect(pay({ from: low, to: other, amount: 1 })).rejects.toThrow('of the same wallet');
  });
});

const setBalance = sql<{ id: string }>`
  update wallet_cards set balance_cents = $2 where id = $1 returning id`;
const dropEntry = sql<{ id: string }>`
  delete from transfer_entries where card_id = $1 returning id`;
const shrinkEntries = sql<{ id: string }>`
  update transfer_entries set amount_cents = sign(amount_cents) where card_id = any ($1::bigint[])
  returning id`;

describe('the audit', () => {
  test('finds a card that its entries do not explain, and money out of nothing', async () => {
    const [low, high] = await newCards(100, 0);
    await pay({ from: low, to: high, amount: 30 });
    expect(await findings(low)).toEqual([]);
    await open.store.query(setBalance, [low ?? '', 100]);
    expect(await findings(low)).toEqual([
      'inconsistent: the cards held 100 cents in total and now hold 130',
      `lost update: card ${low} has 100 cents, but its entries leave 70`,
    ]);
  });

  test.each([
    ['two from the same card', [30, 30], [60, -60], 2],
    ['one of two', [30, 20], [30, -30], 1],
    ['one, to a card alone', [30], [0, -30], 1],
  ])('counts the least transfers that were overwritten: %s', async (_, amounts, off, expected) => {
    const [low = '', high = ''] = await newCards(1_000, 0);
    for (const amount of amounts) await pay({ from: low, to: high, amount });
    const paid = amounts.reduce((sum, amount) => sum + amount, 0);
    await open.store.query(setBalance, [low, 1_000 - paid + (off[0] ?? 0)]);
    await open.store.query(setBalance, [high, paid + (off[1] ?? 0)]);
    const found = await auditOf(open, scenario, [await walletOf(low)]);
    expect(found.find(({ kind }) => kind === 'lost update')).toMatchObject({ excess: expected });
  });

  test('holds a refusal against the least that the card ever had', async () => {
    const [low = '', high = ''] = await newCards(100, 50);
    const wallet = await walletOf(low);
    await pay({ from: low, to: high, amount: 30 });
    await pay({ from: high, to: low, amount: 75 }); // 75 first, or 30: low never had less than 70
    const refused = (card: string, amount: number) =>
      auditOf(open, scenario, [wallet], { refusedKeys: [`${wallet}/${card}/${amount}`] });
    expect(await refused(low, 71)).toEqual([]);
    expect(await refused(high, 1)).toEqual([]); // it may have been asked when it had 5
    expect(await refused(low, 70)).toEqual([
      {
        key: wallet,
        kind: 'false refusal',
        excess: 1,
        detail: `card ${low} was said to have less than 70 cents, but never had less than 70`,
      },
    ]);
    expect(await auditOf(open, scenario, [wallet], { refusedKeys: [wallet] })).toEqual([]);
  });

  test('judges the wallets that are asked for, and no other', async () => {
    const [[low], [other]] = [await newCards(100, 0), await newCards(100, 0)];
    await open.store.query(setBalance, [low ?? '', 99]);
    expect(await findings(low)).toHaveLength(2);
    expect(await findings(other)).toEqual([]);
  });

  test('is told the wallet by every command on its cards', async () => {
    const [low, high] = await newCards(100, 100);
    const body = { fromCardId: high, toCardId: low, amountCents: 1 };
    const input = { params: {}, body };
    for (const variant of Object.keys(scenario.registered.variants)) {
      const plan = await scenario.registered.prepare(variant, input, open.store.query);
      expect(plan.auditKey).toBe(await walletOf(low));
    }
  });

  test('finds a balance below zero though all adds up', async () => {
    const [low, high] = await newCards(100, 0);
    await pay({ from: low, to: high, amount: 30 });
    const text = `update wallet_cards set initial_cents = initial_cents + $2, balance_cents = balance_cents + $2 where id = $1`;
    await open.store.query({ text }, [low ?? '', -80]);
    expect(await findings(low)).toEqual([`inconsistent: card ${low} has -10 cents`]);
  });

  test('finds a transfer without its two entries', async () => {
    const [low, high] = await newCards(100, 0);
    await pay({ from: low, to: high, amount: 30 });
    await open.store.query(dropEntry, [high ?? '']);
    expect((await findings(low))[0]).toMatch(/has 1 entries on 1 cards with a sum of -30$/);
  });

  test('finds entries of another amount than the transfer', async () => {
    const [low = '', high = ''] = await newCards(100, 0);
    await pay({ from: low, to: high, amount: 30 });
    await open.store.query(shrinkEntries, [[low, high]]);
    await open.store.query(setBalance, [low, 99]);
    await open.store.query(setBalance, [high, 1]);
    expect(await findings(low)).toMatchObject([
      expect.stringMatching(/of 30 cents has 2 entries on 2 cards with a sum of 0$/),
    ]);
  });

  test('finds an acknowledged transfer that is not there', async () => {
    const [low = '', high] = await newCards(100, 0);
    const commandId = randomUUID();
    await pay({ from: low, to: high, amount: 30 }, worded('steps'), { commandId });
    expect(await findings(low, [commandId])).toEqual([]);
    expect(await findings(low, [randomUUID()])).toMatchObject([
      expect.stringMatching(/^lost acknowledgement/),
    ]);
  });
});

const steps = (isolation: Isolation, ...guard: Guard[]) => worded('steps', { isolation, guard });

describe('two transfers in opposite directions', () => {
  /** A has moved 30 up and not committed; 20 are moved down meanwhile, then A commits. */
  const meanwhile = async (strategy: ReturnType<typeof worded>) => {
    const [low = '', high = ''] = await newCards(100, 100);
    await a.run(
      'begin isolation level read committed',
      `select id from wallet_cards where id in (${low}, ${high}) order by id for no key update`,
      `update wallet_cards set balance_cents = 70, version = version + 1 where id = ${low}`,
      `update wallet_cards set balance_cents = 130, version = version + 1 where id = ${high}`,
      `with made as (
         insert into transfers (wallet_id, amount_cents, command_id)
         select wallet_id, 30, gen_random_uuid() from wallet_cards where id = ${low} returning id
       )
       insert into transfer_entries (transfer_id, card_id, amount_cents)
       select id, ${low}, -30 from made union all select id, ${high}, 30 from made`,
    );
    const waiting = pay({ from: high, to: low, amount: 20 }, strategy);
    await somebodyWaitsFor(a, observer);
    await a.run('commit');
    expect(await waiting).toMatchObject({ kind: 'accepted' });
    return (await findings(low)).map(finding => finding.split(':')[0]);
  };

  test('overwrite each other without a lock', async () => {
    expect(await meanwhile(worded('steps'))).toEqual(['lost update']);
  });

  test.each([
    ['a row lock', steps('read committed', 'lock row')],
    ['a version', steps('read committed', 'compare version')],
    ['REPEATABLE READ', steps('repeatable read')],
    ['SERIALIZABLE', steps('serializable')],
    ['one statement', worded('conditional update')],
  ])('both count under %s', async (_, strategy) => {
    expect(await meanwhile(strategy)).toEqual([]);
  });

  test('do not deadlock in one statement, however many there are', async () => {
    const [low, high] = await newCards(10_000, 10_000);
    const before = open.recording.failures.length;
    const paid = Array.from({ length: 60 }, (_, n) =>
      n % 2 ? { from: low, to: high, amount: 100 + n } : { from: high, to: low, amount: 1 + n },
    );
    const told = await Promise.all(paid.map(one => pay(one, worded('conditional update'))));
    expect(new Set(told.map(toldOf))).toEqual(new Set(['accepted']));
    expect(open.recording.failures.slice(before)).toEqual([]);
    expect(await findings(low)).toEqual([]);
  });
});
