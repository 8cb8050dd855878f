import type { ScenarioCalls } from '../calls.ts';

/** As many as one request may be offered to. */
const offersMax = 50;
const coupleEvery = 4;

/** Therapists accept the offers of one appointment request; every fourth request is for two. */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['full', 'expired'],
  kindOf: (index, rivals) =>
    rivals > 1 && index % coupleEvery === coupleEvery - 1 ? 'couple' : 'plain',
  capacity: ({ kind }) => (kind === 'couple' ? 2 : 1),
  makeKey(_index, contention) {
    const therapists = Math.min(contention.rivals, offersMax);
    const therapistIds = Array.from({ length: therapists }, (_, index) => String(index + 1));
    const therapistsNeeded = calls.capacity(contention);
    return {
      path: '/appointment-requests',
      body: { client: 'k6', therapistsNeeded, therapistIds },
    };
  },
  listed: 'offers',
  call({ ids }, rival) {
    const offerId = ids[rival % ids.length] ?? '';
    return { path: `/appointment-offers/${offerId}/accept`, body: {}, actor: offerId };
  },
};
