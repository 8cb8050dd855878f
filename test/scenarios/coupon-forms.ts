import { z } from 'zod';
import { type Rule, scenario, sql } from '../../src/contract/index.ts';

/**
 * The ways to take the next free coupon that are wrong by themselves, on the tables of the scenario:
 * what its rules have to be held against.
 */
interface Claim {
  readonly campaignId: string;
  readonly userId: string;
}

const lockChosen = sql<{ id: string }>`
  select id from coupons
  where owner_id is null and id = (
    select id from coupons where campaign_id = $1 and owner_id is null order by id limit 1
  )
  for no key update`;

const skipLocked = sql<{ id: string }>`
  select id from coupons where campaign_id = $1 and owner_id is null
  order by id limit 1 for no key update skip locked`;

const take = sql<{ id: string }>`
  with taken as (
    update coupons set owner_id = $3 where id = $2 returning id
  )
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  select $1, id, $3, $4 from taken returning id`;

const rule =
  (choose: (...on: Parameters<Rule<Claim>>) => Promise<string | undefined>): Rule<Claim> =>
  async (tx, command, context) => {
    const id = await choose(tx, command, context);
    if (!id) return { refused: 'none left' };
    const { campaignId, userId } = command;
    const [claim] = await tx.query(take, [campaignId, id, userId, context.commandId]);
    return { accepted: claim?.id ?? '' };
  };

const variant = (title: string, steps: Rule<Claim>) => ({
  title,
  acts: 'takes any free row' as const,
  effect: 'inside' as const,
  keys: ({ campaignId }: Claim) => [`campaigns/${campaignId}`],
  rules: { steps },
});

export const couponForms = scenario<Claim>({
  title: 'forms that are wrong by themselves',
  path: '/campaigns/:id/claims',
  form: { refusals: { 'none left': 'Every coupon has an owner.' }, examples: [] },
  race: 'false refusal',
  exhaustedReasons: ['none left'],
  async prepare({ params, body }) {
    const { userId } = z.object({ userId: z.string() }).parse(body);
    return { campaignId: String(params.id), userId };
  },
  auditKey: ({ campaignId }) => campaignId,
  variants: {
    'locked after choosing': variant(
      'select … where id = (select … limit 1) for update',
      rule(async (tx, { campaignId }) => (await tx.query(lockChosen, [campaignId]))[0]?.id),
    ),
    'trusts an empty answer': variant(
      'skip locked, and no second look',
      rule(async (tx, { campaignId }) => (await tx.query(skipLocked, [campaignId]))[0]?.id),
    ),
  },
  routes: [],
  load: async () => [],
});
