import type { ScenarioCalls } from '../calls.ts';

/** Admins reverse the same payroll. */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['already reversed'],
  kindOf: () => 'plain',
  capacity: () => 1,
  makeKey: index => ({
    path: '/payrolls',
    body: { employer: 'k6', amountCents: 100_000 + index },
  }),
  call({ id }, rival) {
    const adminId = String(rival + 1);
    return { path: `/payrolls/${id}/reversals`, body: { adminId }, actor: adminId };
  },
};
