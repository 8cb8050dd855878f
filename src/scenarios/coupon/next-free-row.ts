import { type Rule, sql } from '../../contract/index.ts';
import { type Claim, coupons } from './tables.ts';

const recordClaim = sql<{ id: string }>`
  insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
  values ($1, $2, $3, $4) returning id`;

/** Takes the first coupon without an owner: the rule from the incident. */
export const nextFreeRow: Rule<Claim> = async (tx, { campaignId, userId }, context) => {
  const coupon = await tx.check(() =>
    tx.readAny(coupons, { campaign_id: campaignId, owner_id: null }),
  );
  if (!coupon) return { refused: 'none left' };
  await tx.write(coupons, coupon, { owner_id: userId });
  const [claim] = await tx.query(recordClaim, [campaignId, coupon.id, userId, context.commandId]);
  return claim ? { accepted: claim.id } : { refused: 'gone' };
};
