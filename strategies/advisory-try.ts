import { type Strategy, sql } from '../src/contract/index.ts';

// stops at the first key that somebody else holds; what was taken until then goes with the ROLLBACK
const tryKeys = sql<{ granted: boolean }>`
  select coalesce(bool_and(pg_try_advisory_xact_lock(hashtextextended(key, 0))), true) as granted
  from unnest($1::text[]) as key`;

/** Asks for a transaction-level advisory lock and gives up at once: for jobs that need not run twice. */
export default {
  title: 'pg_try_advisory_xact_lock as the first statement, busy at once',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [tryKeys],
  guard: [],
  lockSpace: 'postgres advisory locks',
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
