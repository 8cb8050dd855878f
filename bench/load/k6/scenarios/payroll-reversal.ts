/** Admins reverse one payroll. */
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const test = loadTest({
  scenario: 'payroll-reversal',
  exhaustedReasons: ['already reversed'],
  make(settings, { keys }): readonly MadeKey[] {
    const requests = Array.from({ length: keys }, (_, index) => ({
      path: '/payrolls',
      body: { employer: 'k6', amountCents: 100_000 + index },
    }));
    return makeAll(settings, requests).map(made => ({ key: String(made.id), ids: [] }));
  },
  command: ({ key }, actor) => ({
    path: `/payrolls/${key}/reversals`,
    body: { adminId: String(actor + 1) },
  }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
