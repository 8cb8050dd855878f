import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest: begun last, it would run alone. */
const longest = [
  'reduction-property',
  'explore-orders',
  'cells.slow',
  'redis-down-latency',
  'bench',
  'start.slow',
  'owner-ends',
  'k6',
  'stop.slow',
  'compare.slow',
  'rollout-explored',
  'openapi',
  'faults',
  'package',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some(name => moduleId.includes(`/${name}.`));
    const others = await super.sort(files);
    return [...others.filter(isLong), ...others.filter(file => !isLong(file))];
  }
}

/** What needs more tools or time than `npm test` may take; `npm run test:all` runs both. */
export default defineConfig({
  test: {
    globalSetup: ['test/slow-setup.ts', 'test/global-setup.ts'],
    setupFiles: ['test/leaves-nothing.ts'],
    include: ['test/slow/**/*.test.ts', 'test/**/*.slow.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    isolate: false,
    maxWorkers: 4, // they wait for processes more than they compute
    sequence: { sequencer: LongestFirst },
  },
});
