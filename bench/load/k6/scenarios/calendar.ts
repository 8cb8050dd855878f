/** Visits of one therapist for about the same hour: all overlap, so one of them can be booked. */
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const firstStart = Date.parse('2030-01-01T10:00:00Z');
const hourMs = 3_600_000;
const instant = (ms: number): string => new Date(ms).toISOString();

const test = loadTest({
  scenario: 'calendar',
  exhaustedReasons: ['taken'],
  make(settings, { keys, actors }): readonly MadeKey[] {
    const therapists = makeAll(
      settings,
      Array.from({ length: keys }, () => ({ path: '/therapists', body: { name: 'k6' } })),
    ).map(made => String(made.id));
    const requests = therapists.flatMap(therapistId =>
      Array.from({ length: actors }, (_, actor) => {
        const startMs = firstStart + actor * 1_000;
        const times = { startsAt: instant(startMs), endsAt: instant(startMs + hourMs) };
        return {
          path: `/therapists/${therapistId}/visit-requests`,
          body: { client: 'k6', ...times },
        };
      }),
    );
    const made = makeAll(settings, requests).map(one => String(one.id));
    return therapists.map((key, index) => ({
      key,
      ids: made.slice(index * actors, (index + 1) * actors),
    }));
  },
  command: ({ key, ids }, actor) => ({
    path: `/therapists/${key}/visits`,
    body: { requestId: ids[actor] },
  }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
