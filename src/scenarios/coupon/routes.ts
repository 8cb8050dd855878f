import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';

const couponsMax = 10_000;

const newCampaign = z.strictObject({
  title: z.string().min(1).max(200),
  coupons: z.number().int().min(1).max(couponsMax),
});

const createCampaign = sql<{ id: string }>`
  insert into campaigns (title) values ($1) returning id`;

const createCoupons = sql<{ id: string }>`
  insert into coupons (campaign_id) select $1 from generate_series(1, $2::integer)`;

const create: Route = {
  method: 'post',
  path: '/campaigns',
  title: 'Create a campaign with coupons',
  async handle({ body }, query) {
    const { title, coupons } = parse(newCampaign, body);
    const [campaign] = await query(createCampaign, [title]);
    if (!campaign) throw new Error('insert returned no row');
    await query(createCoupons, [campaign.id, coupons]);
    return { status: 201, body: { id: campaign.id, title, coupons } };
  },
};

const readCampaign = sql<{ id: string; title: string; coupons: number; free: number }>`
  select c.id, c.title, count(o.id)::integer as coupons,
    (count(o.id) filter (where o.owner_id is null))::integer as free
  from campaigns c left join coupons o on o.campaign_id = c.id
  where c.id = $1 group by c.id`;

const readClaims = sql<{ id: string; couponId: string; userId: string }>`
  select id, coupon_id as "couponId", user_id as "userId" from coupon_claims
  where campaign_id = $1 order by id desc limit $2`;

const claimsShownMax = 1_000;

const show: Route = {
  method: 'get',
  path: '/campaigns/:id',
  title: 'Show a campaign with its latest claims, newest first',
  async handle({ params }, query) {
    const campaignId = parse(idParams, params).id;
    const [campaign] = await query(readCampaign, [campaignId]);
    if (!campaign) throw new NotFound(`there is no campaign ${campaignId}`);
    const claims = await query(readClaims, [campaignId, claimsShownMax]);
    return { status: 200, body: { ...campaign, claims } };
  },
};

export const routes: readonly Route[] = [create, show];
