import { type Load, sql } from '../../contract/index.ts';

const seed = sql<{ id: string }>`
  insert into invoices (payee, amount_cents)
  select 'load', 1000 + n from generate_series(1, $1::integer) as n returning id`;

/** New invoices; every rival is a run with the invoice on its list, some send twice. */
export const load: Load = async ({ rounds, rivals, doubleTapShare, random }, query) => {
  const made = await query(seed, [rounds]);
  return made.map(({ id }) => ({
    key: id,
    capacity: 1,
    calls: Array.from({ length: rivals }, (_, index) => {
      const call = { path: `/invoices/${id}/payments`, body: {}, actor: `run ${index + 1}` };
      return random() < doubleTapShare ? [call, call] : [call];
    }).flat(),
  }));
};
