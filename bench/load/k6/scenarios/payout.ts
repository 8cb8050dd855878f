/** Payout runs that have one invoice on their lists. */
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const test = loadTest({
  scenario: 'payout',
  exhaustedReasons: ['already paid', 'already ordered'],
  make(settings, { keys }): readonly MadeKey[] {
    const requests = Array.from({ length: keys }, (_, index) => ({
      path: '/invoices',
      body: { payee: 'k6', amountCents: 1_000 + index },
    }));
    return makeAll(settings, requests).map(made => ({ key: String(made.id), ids: [] }));
  },
  command: ({ key }) => ({ path: `/invoices/${key}/payments`, body: {} }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
