/** The script of every scenario: `k6 run -e SCENARIO=gift-card -e BASE_URL=… scenario.ts`. */
import { loadTest } from './load-test.ts';
import { storyOf } from './story.ts';

const test = loadTest(storyOf(__ENV.SCENARIO));

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
