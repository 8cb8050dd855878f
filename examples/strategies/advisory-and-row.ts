import type { Strategy } from '../../src/contract/index.ts';

/** A strategy from outside the registry: `npm run compare -- --strategy ./examples/strategies/advisory-and-row.ts` */
export default {
  title: 'An advisory lock first, then the row',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [
    {
      text: `
        select count(*) = cardinality($1::text[]) as granted
        from (select pg_advisory_xact_lock(hashtextextended(key, 0)) from unnest($1::text[]) as key) as locked`,
    },
  ],
  guard: ['lock row'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
} satisfies Strategy;
