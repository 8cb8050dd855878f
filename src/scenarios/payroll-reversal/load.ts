import { type Load, sql } from '../../contract/index.ts';

const seed = sql<{ id: string }>`
  insert into payrolls (employer, amount_cents)
  select 'load', 100000 + n from generate_series(1, $1::integer) as n returning id`;

/** New payrolls; every rival is an admin who reverses it, some tap twice. */
export const load: Load = async ({ rounds, rivals, doubleTapShare, random }, query) => {
  const made = await query(seed, [rounds]);
  return made.map(({ id }) => ({
    key: id,
    capacity: 1,
    calls: Array.from({ length: rivals }, (_, index) => {
      const adminId = String(index + 1);
      const call = { path: `/payrolls/${id}/reversals`, body: { adminId }, actor: adminId };
      return random() < doubleTapShare ? [call, call] : [call];
    }).flat(),
  }));
};
