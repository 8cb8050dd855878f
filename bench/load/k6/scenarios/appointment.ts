/** Therapists accept the offers of one appointment request; every fourth request is for two. */

import { idsIn } from '../ids.ts';
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const offersMax = 50;

const test = loadTest({
  scenario: 'appointment',
  exhaustedReasons: ['full', 'expired'],
  make(settings, { keys, actors }): readonly MadeKey[] {
    const therapists = Math.min(actors, offersMax);
    const therapistIds = Array.from({ length: therapists }, (_, index) => String(index + 1));
    const requests = Array.from({ length: keys }, (_, index) => {
      const therapistsNeeded = therapists > 1 && index % 4 === 3 ? 2 : 1;
      return {
        path: '/appointment-requests',
        body: { client: 'k6', therapistsNeeded, therapistIds },
      };
    });
    return makeAll(settings, requests).map(made => ({
      key: String(made.id),
      ids: idsIn(made.offers),
    }));
  },
  command: ({ ids }, actor) => ({
    path: `/appointment-offers/${ids[actor % ids.length]}/accept`,
    body: {},
  }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
