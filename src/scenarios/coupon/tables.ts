import type { Row, Table } from '../../contract/index.ts';

/** A user claims the next free coupon of a campaign. */
export interface Claim {
  readonly campaignId: string;
  readonly userId: string;
}

/** The key that must be decided one at a time. */
export const keyOf = (command: Claim): string => `campaigns/${command.campaignId}`;

export interface Coupon extends Row {
  readonly campaign_id: string;
  readonly owner_id: string | null;
}

/** Any row without an owner will do. */
export const coupons: Table<Coupon> = {
  name: 'coupons',
  columns: {
    id: 'bigint',
    campaign_id: 'bigint',
    owner_id: 'bigint',
    version: 'integer',
    fence: 'bigint',
  },
};

/** The deciding row of wordings that choose inside one statement. */
export const campaigns: Table<Row> = {
  name: 'campaigns',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};
