-- One schema serves every strategy: nothing here keeps a coupon from being given twice, and `version`
-- and `fence` lie unused under the strategies that do not ask for them.

create table if not exists campaigns (
  id bigint generated always as identity primary key,
  title text not null,
  version integer not null default 0,
  fence bigint not null default 0,
  created_at timestamptz not null default now()
);

create table if not exists coupons (
  id bigint generated always as identity primary key,
  campaign_id bigint not null references campaigns (id),
  owner_id bigint,
  version integer not null default 0,
  fence bigint not null default 0
);

create index if not exists coupons_by_campaign on coupons (campaign_id, id);
create index if not exists coupons_free on coupons (campaign_id, id) where owner_id is null;

-- Who was given which coupon. The coupon itself tells only its last owner.
create table if not exists coupon_claims (
  id bigint generated always as identity primary key,
  campaign_id bigint not null references campaigns (id),
  -- not unique on purpose: one coupon with two owners is what the strategies have to prevent
  coupon_id bigint not null references coupons (id),
  user_id bigint not null,
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists coupon_claims_by_campaign on coupon_claims (campaign_id, coupon_id);
