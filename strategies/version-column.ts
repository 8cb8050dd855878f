import { strategy } from '../src/contract/index.ts';

/**
 * Reads the versioned row first, then updates it where the version is still the same: whoever comes
 * second updates no row and tries again. Nobody waits while the rule decides.
 */
export default strategy({
  title: 'UPDATE … WHERE version = the version that was read, with retries',
  guard: ['compare version'],
  adoption: { migration: 'column', retryNeeded: true },
});
