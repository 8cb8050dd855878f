import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/leaves-nothing.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', 'test/**/*.slow.test.ts', 'node_modules/**'],
    // Real servers on shared cores: a condition is waited for within these bounds.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 3, // they wait for servers as much as they compute
    isolate: false, // half the cores' time would go to loading the same modules for each file
  },
});
