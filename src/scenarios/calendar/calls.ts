import type { ScenarioCalls } from '../calls.ts';

const firstStart = Date.parse('2030-01-01T10:00:00Z');
const hourMs = 3_600_000;
const instant = (ms: number): string => new Date(ms).toISOString();

/** Visits of one therapist for about the same hour: all overlap, so only one can be booked. */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['taken'],
  kindOf: () => 'plain',
  capacity: () => 1,
  makeKey: () => ({ path: '/therapists', body: { name: 'k6' } }),
  makeForRival(therapistId, rival) {
    const startMs = firstStart + rival * 1_000;
    const times = { startsAt: instant(startMs), endsAt: instant(startMs + hourMs) };
    return {
      path: `/therapists/${therapistId}/visit-requests`,
      body: { client: 'k6', ...times },
    };
  },
  call({ id, ids }, rival) {
    const requestId = ids[rival] ?? '';
    const refusal = { reason: 'taken', id: `${id}/${requestId}` };
    return { path: `/therapists/${id}/visits`, body: { requestId }, actor: requestId, refusal };
  },
};
