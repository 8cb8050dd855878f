import type { Contention, ScenarioCalls } from '../calls.ts';

/** More than the sum of all differences within a round. */
const smallestCents = (rivals: number): number => rivals * rivals;

/** What a card is made with. */
export function cardFor(contention: Contention): {
  readonly initialCents: number;
  readonly smallestDebitCents: number;
} {
  const smallestDebitCents = smallestCents(contention.rivals);
  const largestCents = smallestDebitCents + contention.rivals - 1;
  return { initialCents: calls.capacity(contention) * largestCents, smallestDebitCents };
}

/**
 * Debits of a card with enough for half of the rivals. The amounts of a round differ, so that two
 * lost updates cannot look like one, but only so little that any `capacity` of them fit and one
 * more never does, in any order.
 */
export const calls: ScenarioCalls = {
  exhaustedReasons: ['used up'],
  kindOf: () => 'plain',
  capacity: ({ rivals }) => Math.ceil(rivals / 2),
  makeKey: (_index, contention) => ({ path: '/gift-cards', body: cardFor(contention) }),
  call({ id }, rival, { rivals }) {
    const amountCents = smallestCents(rivals) + rival;
    return { path: `/gift-cards/${id}/debits`, body: { amountCents }, actor: String(amountCents) };
  },
};
