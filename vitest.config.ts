import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', 'test/**/*.slow.test.ts', 'node_modules/**'],
    // Real servers on shared cores: a condition is waited for within these bounds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
