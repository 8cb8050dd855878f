import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, text } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';

const couponsMax = 10_000;

const newCampaign = z.strictObject({ title: text, coupons: z.int().min(1).max(couponsMax) });

const campaign = newCampaign.extend({ id });

const createCampaign = sql<{ id: string }>`
  insert into campaigns (title) values ($1) returning id`;

const createCoupons = sql<{ id: string }>`
  insert into coupons (campaign_id) select $1 from generate_series(1, $2::integer)`;

const create = postRoute({
  path: '/campaigns',
  title: 'Create a campaign with coupons',
  params: noParams,
  body: newCampaign,
  status: 201,
  answer: campaign,
  example: {
    body: { title: 'spring', coupons: 1 },
    answer: { id: '1', title: 'spring', coupons: 1 },
  },
  async handle({ body: { title, coupons } }, query) {
    const [made] = await query(createCampaign, [title]);
    if (!made) throw new Error('insert returned no row');
    await query(createCoupons, [made.id, coupons]);
    return { id: made.id, title, coupons };
  },
});

const shownCampaign = campaign.extend({ free: z.int().min(0) });

const readCampaign = sql<z.infer<typeof shownCampaign>>`
  select c.id, c.title, count(o.id)::integer as coupons,
    (count(o.id) filter (where o.owner_id is null))::integer as free
  from campaigns c left join coupons o on o.campaign_id = c.id
  where c.id = $1 group by c.id`;

const claim = z.strictObject({ id, couponId: id, userId: id });

const readClaims = sql<z.infer<typeof claim>>`
  select id, coupon_id as "couponId", user_id as "userId" from coupon_claims
  where campaign_id = $1 order by id desc limit $2`;

const claimsShownMax = 1_000;

const show = getRoute({
  path: '/campaigns/:id',
  title: 'Show a campaign with its latest claims, newest first',
  params: idParams,
  answer: shownCampaign.extend({ claims: z.array(claim).max(claimsShownMax).readonly() }),
  example: {
    params: { id: '1' },
    answer: {
      ...{ id: '1', title: 'spring', coupons: 1, free: 0 },
      claims: [{ id: '1', couponId: '1', userId: '7' }],
    },
  },
  async handle({ id: campaignId }, query) {
    const [found] = await query(readCampaign, [campaignId]);
    if (!found) throw new NotFound(`there is no campaign ${campaignId}`);
    const claims = await query(readClaims, [campaignId, claimsShownMax]);
    return { ...found, claims };
  },
});

export const routes: readonly Route[] = [create, show];
