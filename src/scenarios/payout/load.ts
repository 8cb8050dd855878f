import { type Load, sql } from '../../contract/index.ts';
import { tapped } from '../taps.ts';
import { calls } from './calls.ts';

const seed = sql<{ id: string }>`
  insert into invoices (payee, amount_cents)
  select 'load', 1000 + n from generate_series(1, $1::integer) as n returning id`;

/** New invoices; every rival is a run with the invoice on its list, some send twice. */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const contention = { kind: 'plain', rivals, calls: 2 * rivals };
  const made = await query(seed, [rounds]);
  return made.map(({ id }) => ({
    key: id,
    capacity: calls.capacity(contention),
    calls: tapped(plan, rival => calls.call({ id, ids: [] }, rival, contention)),
  }));
};
