/** Users claim the next free coupon; every second campaign has one for half of them only. */
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const test = loadTest({
  scenario: 'coupon',
  exhaustedReasons: ['none left'],
  make(settings, { keys, actors }): readonly MadeKey[] {
    const requests = Array.from({ length: keys }, (_, index) => {
      const coupons = index % 2 ? Math.ceil(actors / 2) : actors;
      return { path: '/campaigns', body: { title: 'k6', coupons } };
    });
    return makeAll(settings, requests).map(made => ({ key: String(made.id), ids: [] }));
  },
  command: ({ key }, actor) => ({
    path: `/campaigns/${key}/claims`,
    body: { userId: String(actor + 1) },
  }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
