import { sql, strategy } from '../src/contract/index.ts';

// stops at the first key that somebody else holds; what was taken until then goes with the ROLLBACK
const tryKeys = sql<{ granted: boolean }>`
  select coalesce(bool_and(pg_try_advisory_xact_lock(hashtextextended(key, 0))), true) as granted
  from unnest($1::text[]) as key`;

/** Asks for a transaction-level advisory lock and gives up at once: for jobs that need not run twice. */
export default strategy({
  title: 'pg_try_advisory_xact_lock as the first statement, busy at once',
  first: [tryKeys],
  lockSpace: 'postgres advisory locks',
  adoption: { retryNeeded: true },
  compared: 'on request',
});
