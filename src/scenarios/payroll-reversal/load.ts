import { type Load, sql } from '../../contract/index.ts';
import { tapped } from '../taps.ts';
import { calls } from './calls.ts';

const seed = sql<{ id: string }>`
  insert into payrolls (employer, amount_cents)
  select 'load', 100000 + n from generate_series(1, $1::integer) as n returning id`;

/** New payrolls; every rival is an admin who reverses it, some tap twice. */
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
