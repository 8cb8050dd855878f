import type { ScenarioCalls } from '../calls.ts';

/** Payout runs with the same invoice on their lists. */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['already paid', 'already ordered', 'nothing due'],
  kindOf: () => 'plain',
  capacity: () => 1,
  makeKey: index => ({ path: '/invoices', body: { payee: 'k6', amountCents: 1_000 + index } }),
  call: ({ id }, rival) => ({
    path: `/invoices/${id}/payments`,
    body: {},
    actor: `run ${rival + 1}`,
  }),
};
