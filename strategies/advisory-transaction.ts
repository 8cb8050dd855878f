import { sql, strategy } from '../src/contract/index.ts';

// 64-bit keys, taken one after another in the order given (sorted by the engine): `unnest` in the
// from list feeds the outer select row by row, so two commands on two keys cannot deadlock
const lockKeys = sql<{ granted: boolean }>`
  select count(*) = cardinality($1::text[]) as granted
  from (
    select pg_advisory_xact_lock(hashtextextended(key, 0))
    from unnest($1::text[]) with ordinality as keys (key, position)
    order by position
    offset 0
  ) as locked`;

/** Takes a transaction-level advisory lock as the first statement; COMMIT or a dead connection frees it. */
export default strategy({
  title: 'pg_advisory_xact_lock as the first statement',
  first: [lockKeys],
  lockSpace: 'postgres advisory locks',
});
