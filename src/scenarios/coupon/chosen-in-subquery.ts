import { type Rule, type Statement, sql } from '../../contract/index.ts';
import { type Claim, campaigns } from './tables.ts';

/**
 * Looks like a single deciding statement, but the subquery chooses before the update waits: two
 * callers choose the same coupon, and the second overwrites the owner once the first has committed.
 */
const claimNext = sql<{ id: string }>`
  with taken as (
    update coupons set owner_id = $2
    where id = (
      select id from coupons where campaign_id = $1 and owner_id is null order by id limit 1
    )
    returning id
  )
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  select $1, id, $2, $3 from taken returning id`;

/**
 * The same, but the update rechecks that the coupon is still free. No owner is overwritten now, but
 * the second caller finds its coupon taken and has no other candidate: refused while coupons
 * remain.
 */
const claimNextIfStillFree = sql<{ id: string }>`
  with taken as (
    update coupons set owner_id = $2
    where owner_id is null and id = (
      select id from coupons where campaign_id = $1 and owner_id is null order by id limit 1
    )
    returning id
  )
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  select $1, id, $2, $3 from taken returning id`;

/** Correct only behind a lock on the campaign, or at an isolation level that fails with 40001. */
const behindTheCampaign =
  (statement: Statement<{ id: string }>): Rule<Claim> =>
  async (tx, { campaignId, userId }, context) => {
    const campaign = await tx.claim(campaigns, campaignId);
    if (campaign) await tx.touch(campaigns, campaign);
    const [claim] = await tx.query(statement, [campaignId, userId, context.commandId]);
    return claim ? { accepted: claim.id } : { refused: 'none left' };
  };

export const chosenInSubquery = behindTheCampaign(claimNext);
export const checkedAgain = behindTheCampaign(claimNextIfStillFree);
