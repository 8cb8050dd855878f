import { type Rule, sql } from '../../contract/index.ts';
import { type Claim, campaigns } from './tables.ts';

/**
 * One statement. Lock and limit are in the same select: a caller that waited for a coupon that was
 * then taken moves on to the next one. Chosen in a plain subquery, a coupon would be taken twice.
 */
const claimNext = sql<{ id: string }>`
  with free as (
    select id from coupons
    where campaign_id = $1 and owner_id is null
    order by id limit 1 for no key update
  ), taken as (
    update coupons set owner_id = $2 from free where coupons.id = free.id returning coupons.id
  )
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  select $1, id, $2, $3 from taken returning id`;

export const conditionalUpdate: Rule<Claim> = async (tx, { campaignId, userId }, context) => {
  const campaign = await tx.claim(campaigns, campaignId);
  if (campaign) await tx.touch(campaigns, campaign);
  const [claim] = await tx.query(claimNext, [campaignId, userId, context.commandId]);
  return claim ? { accepted: claim.id } : { refused: 'none left' };
};
