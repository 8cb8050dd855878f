import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Strategy, sql } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import {
  auditOf,
  type Claimed,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  toldOf,
  worded,
} from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'coupon');
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls);
});
afterAll(() => open.close());

const newCampaign = async (coupons: number): Promise<string> =>
  idOf(
    await callRoute(open, scenario, 'post', '/campaigns', { body: { title: 'spring', coupons } }),
  );

const claim = (campaignId: string, strategy: Strategy, variant = 'plain') =>
  serveOne(open, {
    scenario,
    variant,
    strategy,
    input: { params: { id: campaignId }, body: { userId: '7' } },
  });

const kindsOf = async (keys: readonly string[], claimed?: Claimed) =>
  (await auditOf(open, scenario, keys, claimed)).map(({ kind }) => kind);

const couponsOf = sql<{ id: string }>`select id from coupons where campaign_id = $1 order by id`;

describe('the wordings', () => {
  test('agree with the model, whichever wrote before', async () => {
    const { variants } = scenario.registered;
    const all = Object.entries(variants).flatMap(([variant, { wordings }]) =>
      wordings.map(wording => ({ variant, wording })),
    );
    expect(all.map(({ variant, wording }) => `${variant}: ${wording}`)).toEqual([
      'plain: steps',
      'plain: conditional update',
      'plain: precreated rows',
      'chosen-in-subquery: steps',
      'chosen-in-subquery: conditional update',
      'checked-again: steps',
      'checked-again: conditional update',
    ]);
    const commands = fc.array(fc.constantFrom(...all), { maxLength: 6 });
    const sequences = fc.record({ coupons: fc.integer({ min: 1, max: 4 }), commands });
    const agrees = fc.asyncProperty(sequences, async drawn => {
      const id = await newCampaign(drawn.coupons);
      let free = drawn.coupons;
      for (const { variant, wording } of drawn.commands) {
        const told = toldOf(await claim(id, worded(wording), variant));
        expect({ wording, told }).toEqual({ wording, told: free > 0 ? 'accepted' : 'none left' });
        free = Math.max(0, free - 1);
      }
      const refusedKeys = drawn.commands.length > drawn.coupons ? [id] : [];
      expect(await kindsOf([id], { refusedKeys })).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 60 });
  });
});

const plantClaim = sql<{ id: string }>`
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  values ($1, $2, $3, $4) returning id`;
const plantOwner = sql<{ id: string }>`update coupons set owner_id = $2 where id = $1 returning id`;

describe('the audit', () => {
  test('finds a coupon that was given out more than once, though the row tells only its last owner', async () => {
    const id = await newCampaign(2);
    const coupon = (await open.store.query(couponsOf, [id]))[0]?.id ?? '';
    for (const user of [1, 2, 3])
      await open.store.query(plantClaim, [id, coupon, user, randomUUID()]);
    await open.store.query(plantOwner, [coupon, 3]);
    expect(await auditOf(open, scenario, [id])).toEqual([
      { key: id, kind: 'duplicate', excess: 2, detail: `coupon ${coupon} was given out 3 times` },
      {
        key: id,
        kind: 'inconsistent',
        excess: 1,
        detail: '1 coupons have an owner, but there are 3 claims',
      },
    ]);
  });

  test('finds an owner who is not the one in the ledger', async () => {
    const id = await newCampaign(1);
    const coupon = (await open.store.query(couponsOf, [id]))[0]?.id ?? '';
    await open.store.query(plantClaim, [id, coupon, 1, randomUUID()]);
    await open.store.query(plantOwner, [coupon, 2]);
    expect(await auditOf(open, scenario, [id])).toMatchObject([
      {
        kind: 'inconsistent',
        detail: `coupon ${coupon} is claimed by user 1 but belongs to user 2`,
      },
    ]);
  });

  test('finds an owner without a claim', async () => {
    const id = await newCampaign(1);
    const coupon = (await open.store.query(couponsOf, [id]))[0]?.id ?? '';
    await open.store.query(plantOwner, [coupon, 2]);
    expect(await auditOf(open, scenario, [id])).toMatchObject([
      { kind: 'inconsistent', detail: '1 coupons have an owner, but there are 0 claims' },
    ]);
  });

  test('finds an acknowledged claim that is not there, and a refusal while a coupon is free', async () => {
    const id = await newCampaign(1);
    const claimed = { acknowledged: [[id, randomUUID()]] as const, refusedKeys: [id] };
    expect(await kindsOf([id], claimed)).toEqual(['false refusal', 'lost acknowledgement']);
    await claim(id, worded('steps'));
    expect(await kindsOf([id], { refusedKeys: [id] })).toEqual([]);
  });
});
