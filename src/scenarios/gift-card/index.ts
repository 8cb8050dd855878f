import { z } from 'zod';
import {
  type Form,
  InvalidInput,
  NotFound,
  type Query,
  scenario,
  sql,
} from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
import { calls } from './calls.ts';
import { conditionalUpdate } from './conditional-update.ts';
import { cents } from './input.ts';
import { load } from './load.ts';
import { numberedSlots } from './numbered-slots.ts';
import { routes } from './routes.ts';
import { steps } from './steps.ts';
import { type Debit, keyOf } from './tables.ts';

const sent = z.strictObject({ amountCents: cents });

const form: Form = {
  params: idParams,
  body: sent,
  refusals: {
    'used up': 'No debit of this card is possible any more.',
    'insufficient balance': 'The card holds less than this amount, and enough for a smaller one.',
    gone: 'The card was deleted meanwhile.',
  },
  examples: [
    {
      params: { id: '1' },
      body: { amountCents: 4_000 },
      key: '1',
      decision: { accepted: '1' },
    },
    {
      params: { id: '1' },
      body: { amountCents: 4_000 },
      key: '1',
      decision: { refused: 'insufficient balance' },
    },
  ],
};

const readSmallest = sql<{ smallest: number }>`
  select smallest_debit_cents as smallest from gift_cards where id = $1`;

async function debitOf(cardId: string, amountCents: number, query: Query): Promise<Debit> {
  const [card] = await query(readSmallest, [cardId]);
  if (!card) throw new NotFound(`there is no gift card ${cardId}`);
  if (amountCents < card.smallest)
    throw new InvalidInput([
      { path: 'amountCents', message: `must be at least ${card.smallest} for this card` },
    ]);
  return { cardId, amountCents, smallestDebitCents: card.smallest };
}

export default scenario<Debit>({
  title: 'Several debits of one gift card',
  path: '/gift-cards/:id/debits',
  form,
  race: 'lost update',
  exhaustedReasons: calls.exhaustedReasons,
  async prepare({ params, body }, query) {
    const { id: cardId } = parse(idParams, params);
    const { amountCents } = parse(sent, body);
    return debitOf(cardId, amountCents, query);
  },
  auditKey: ({ cardId }) => cardId,
  variants: {
    plain: {
      title: 'a balance beside a ledger of debits',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: { steps, 'conditional update': conditionalUpdate, 'numbered slots': numberedSlots },
    },
  },
  routes,
  load,
});
