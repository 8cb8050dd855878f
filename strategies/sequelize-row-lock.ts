import type { Strategy } from '../src/contract/index.ts';

/** The row lock through the ORM: the same order of events, with the ORM's own statements and cost. */
export default {
  title: "Sequelize's findOne with lock: t.LOCK.UPDATE on the deciding row",
  store: 'sequelize',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock row'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
