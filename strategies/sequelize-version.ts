import type { Strategy } from '../src/contract/index.ts';

/**
 * The version column through the ORM: `save` compares and bumps, and an OptimisticLockError begins
 * again with a fresh instance. A static `Model.update` elsewhere goes past the version.
 */
export default {
  title: "Sequelize's models with version: true, with retries",
  store: 'sequelize',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['compare version'],
  adoption: {
    migration: 'column',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
