/** Debits of one gift card that is good for half of them; the amounts of a card differ. */
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

/** More than all differences within a card together: any half of the debits fit, and no more. */
const smallestCents = (actors: number): number => actors * actors;

const test = loadTest({
  scenario: 'gift-card',
  exhaustedReasons: ['used up'],
  make(settings, { keys, actors }): readonly MadeKey[] {
    const smallestDebitCents = smallestCents(actors);
    const initialCents = Math.ceil(actors / 2) * (smallestDebitCents + actors - 1);
    const card = { path: '/gift-cards', body: { initialCents, smallestDebitCents } };
    const requests = Array.from({ length: keys }, () => card);
    return makeAll(settings, requests).map(made => ({ key: String(made.id), ids: [] }));
  },
  command: ({ key }, actor, actors) => ({
    path: `/gift-cards/${key}/debits`,
    body: { amountCents: smallestCents(actors) + actor },
  }),
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
