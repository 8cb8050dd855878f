import type { ScenarioCalls } from '../calls.ts';

/**
 * Users claim the next free coupon. Every second campaign has one for half of the users only, the
 * others for every claim: there a single false refusal leaves a coupon over, where later claims
 * would take it if there were fewer.
 */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['none left'],
  kindOf: index => (index % 2 === 1 ? 'scarce' : 'plain'),
  capacity: contention =>
    contention.kind === 'scarce' ? Math.ceil(contention.rivals / 2) : contention.calls,
  makeKey: (_index, contention) => ({
    path: '/campaigns',
    body: { title: 'k6', coupons: calls.capacity(contention) },
  }),
  call({ id }, rival) {
    const userId = String(rival + 1);
    return { path: `/campaigns/${id}/claims`, body: { userId }, actor: userId };
  },
};
