import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Guard,
  type Outcome,
  predict,
  type Strategy,
  sql,
  type Turn,
} from '../../src/contract/index.ts';
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
  worded,
} from './commands.ts';
import { couponForms } from './coupon-forms.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'coupon');
const forms = { ...scenario, registered: couponForms };
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

const newCampaign = async (coupons: number): Promise<string> =>
  idOf(
    await callRoute(open, scenario, 'post', '/campaigns', { body: { title: 'spring', coupons } }),
  );

const claim = (campaignId: string, strategy: Strategy, variant = 'plain', of = scenario) =>
  serveOne(open, {
    scenario: of,
    variant,
    strategy,
    input: { params: { id: campaignId }, body: { userId: '7' } },
  });

const kindsOf = async (keys: readonly string[], claimed?: Claimed) =>
  (await auditOf(open, scenario, keys, claimed)).map(({ kind }) => kind);

const couponsOf = sql<{ id: string }>`select id from coupons where campaign_id = $1 order by id`;

/** A holds the campaign and the first of two coupons; the command meets A's locks, then A commits. */
async function besideAnUncommittedClaim(
  strategy: Strategy,
  variant: string,
  of = scenario,
): Promise<{ id: string; outcome: Outcome }> {
  const id = await newCampaign(2);
  const coupon = (await open.store.query(couponsOf, [id]))[0]?.id ?? '';
  await a.run(
    'begin isolation level read committed',
    `select id from campaigns where id = ${id} for no key update`,
    `update coupons set owner_id = 1, version = version + 1 where id = ${coupon}`,
    `insert into coupon_claims (campaign_id, coupon_id, user_id, command_id) values (${id}, ${coupon}, 1, gen_random_uuid())`,
  );
  const waiting = claim(id, strategy, variant, of);
  await somebodyWaitsFor(a, observer);
  await a.run('commit');
  return { id, outcome: await waiting };
}

const guarded = (...guard: Guard[]): Strategy => worded('steps', { guard });

describe('limit-one-in-subquery: two claims at once on two coupons', () => {
  test.each([
    ['the lock in the select goes on to the next row', guarded('lock row'), 'plain', 1],
    ['so does the one statement', worded('conditional update'), 'plain', 1],
    ['a version refuses the write', guarded('compare version'), 'plain', 2],
    ['REPEATABLE READ', worded('steps', { isolation: 'repeatable read' }), 'chosen-in-subquery', 2],
    ['a lock on the campaign', guarded('lock row'), 'chosen-in-subquery', 1],
    ['a lock on the campaign', guarded('lock row'), 'checked-again', 1],
  ])('each gets one: %s', async (_, strategy, variant, attempts) => {
    const { id, outcome } = await besideAnUncommittedClaim(strategy, variant);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts });
    expect(await kindsOf([id])).toEqual([]);
  });

  test.each([
    ['plain', 'steps'],
    ['chosen-in-subquery', 'steps'],
    ['chosen-in-subquery', 'conditional update'],
  ] as const)('%s as %s without a lock: two owners', async (variant, wording) => {
    const { id, outcome } = await besideAnUncommittedClaim(worded(wording), variant);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await kindsOf([id])).toEqual(['duplicate', 'inconsistent']);
  });

  test.each([
    ['chosen-in-subquery', ['duplicate', 'inconsistent']],
    ['checked-again', ['false refusal']],
  ])(
    '%s under SKIP LOCKED passes over the campaign that is held, as predicted',
    async (variant, kinds) => {
      const skipping = guarded('lock row, skip locked');
      const { id, outcome } = await besideAnUncommittedClaim(skipping, variant);
      const refusedKeys = outcome.kind === 'refused' ? [id] : [];
      expect(await kindsOf([id], { refusedKeys })).toEqual(kinds);
      const traits = scenario.registered.variants[variant];
      expect(traits && predict(skipping, traits, new Set()).verdict).toBe('unsafe');
      expect(traits && predict(guarded('lock row'), traits, new Set()).verdict).toBe('safe');
    },
  );

  test.each([
    ['checked-again', 'steps', scenario],
    ['checked-again', 'conditional update', scenario],
    ['locked after choosing', 'steps', forms],
  ] as const)('%s as %s without a lock: a false refusal', async (variant, wording, of) => {
    const { id, outcome } = await besideAnUncommittedClaim(worded(wording), variant, of);
    expect(outcome).toMatchObject({ kind: 'refused', detail: 'none left' });
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual(['false refusal']);
  });

  test('a fence is claimed on a row that was taken meanwhile: another one is chosen', async () => {
    const minting: Turn = {
      heldBy: 'lease',
      until: 'commit',
      open: async () => ({
        turn: (_attempt, _keys, inner) => inner({ token: 7n }),
        close: async () => {},
      }),
    };
    const strategy = worded('steps', { turns: [minting], guard: ['fence read'] });
    const { id, outcome } = await besideAnUncommittedClaim(strategy, 'plain');
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await kindsOf([id])).toEqual([]);
  });
});

describe('skip-locked-holder-aborts', () => {
  const skipping = worded('precreated rows', { guard: ['lock row, skip locked'] });
  const holdAll = async (): Promise<string> => {
    const id = await newCampaign(2);
    await a.run('begin', `select id from coupons where campaign_id = ${id} for no key update`);
    return id;
  };

  test('passes over what others hold while something else is free', async () => {
    const id = await newCampaign(2);
    const first = (await open.store.query(couponsOf, [id]))[0]?.id ?? '';
    await a.run('begin', `select id from coupons where id = ${first} for no key update`);
    expect(await claim(id, skipping)).toMatchObject({ kind: 'accepted', attempts: 1 });
    await a.run('rollback');
    expect(await kindsOf([id])).toEqual([]);
  });

  test('an empty answer is asked again, and waits for the holder', async () => {
    const id = await holdAll();
    const waiting = claim(id, skipping);
    await somebodyWaitsFor(a, observer);
    await a.run('rollback');
    expect(await waiting).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await kindsOf([id])).toEqual([]);
  });

  test('what the holder has taken is gone', async () => {
    const id = await holdAll();
    const waiting = claim(id, skipping);
    await somebodyWaitsFor(a, observer);
    await a.run(
      `update coupons set owner_id = 1 where campaign_id = ${id}`,
      `insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
       select campaign_id, id, 1, gen_random_uuid() from coupons where campaign_id = ${id}`,
      'commit',
    );
    expect(await waiting).toMatchObject({ kind: 'refused', detail: 'none left' });
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual([]);
  });

  test('an empty answer that is believed is a false refusal', async () => {
    const id = await holdAll();
    const told = await claim(id, worded('steps'), 'trusts an empty answer', forms);
    await a.run('rollback');
    expect(told).toMatchObject({ kind: 'refused', detail: 'none left' });
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual(['false refusal']);
  });
});
