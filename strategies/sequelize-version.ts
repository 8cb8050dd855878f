import { strategy } from '../src/contract/index.ts';

/**
 * The version column through the ORM: `save` compares and bumps, and an OptimisticLockError begins
 * again with a fresh instance. A static `Model.update` elsewhere goes past the version.
 */
export default strategy({
  title: "Sequelize's models with version: true, with retries",
  store: 'sequelize',
  guard: ['compare version'],
  adoption: { migration: 'column', retryNeeded: true },
  compared: 'on request',
});
