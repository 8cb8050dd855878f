/** Money from one card to another of a wallet; in every tenth wallet some pay back. */
import { idsIn } from '../ids.ts';
import { loadTest, type MadeKey } from '../load-test.ts';
import { makeAll } from '../service.ts';

const smallestCents = (actors: number): number => actors * actors;
const bothWaysEvery = 10;
const paysBackEvery = 4;
/** The third id of a wallet that some pay back in: there is no card of this name. */
const bothWays = 'both ways';

const test = loadTest({
  scenario: 'transfer',
  exhaustedReasons: [], // a card that could not pay may have been paid since
  make(settings, { keys, actors }): readonly MadeKey[] {
    const largestCents = smallestCents(actors) + actors;
    const isBothWays = (index: number): boolean => index % bothWaysEvery === bothWaysEvery - 1;
    const requests = Array.from({ length: keys }, (_, index) => {
      const balance = (isBothWays(index) ? actors : Math.ceil(actors / 2)) * largestCents;
      return { path: '/wallets', body: { balancesCents: [balance, balance] } };
    });
    return makeAll(settings, requests).map((made, index) => {
      const cards = idsIn(made.cards);
      const ids = isBothWays(index) ? [...cards, bothWays] : cards;
      return { key: String(made.id), ids };
    });
  },
  command: ({ ids: [first = '', second = '', way] }, actor, actors) => {
    const back = way === bothWays && actor % paysBackEvery === paysBackEvery - 1;
    const [fromCardId, toCardId] = back ? [second, first] : [first, second];
    // all that is paid back is less than any payment: lost updates cannot cancel each other out
    const amountCents = back ? actor + 1 : smallestCents(actors) + actor;
    return { path: '/transfers', body: { fromCardId, toCardId, amountCents } };
  },
});

export const { options, setup, teardown, handleSummary } = test;
export default test.run;
