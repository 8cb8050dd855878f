import { defineConfig } from 'vitest/config';

/** What needs more tools or time than `npm test` may take; `npm run test:all` runs both. */
export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    include: ['test/slow/**/*.test.ts', 'test/**/*.slow.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    isolate: false,
    maxWorkers: 4, // they wait for processes more than they compute
  },
});
