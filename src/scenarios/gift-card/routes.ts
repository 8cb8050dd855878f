import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';
import { cents } from './input.ts';

const newCard = z
  .strictObject({ initialCents: cents, smallestDebitCents: cents.default(1) })
  .refine(body => body.smallestDebitCents <= body.initialCents, {
    path: ['smallestDebitCents'],
    message: 'must not be more than the card holds',
  });

const createCard = sql<{ id: string }>`
  insert into gift_cards (initial_cents, balance_cents, smallest_debit_cents)
  values ($1::integer, $1::integer, $2) returning id`;

const card = z.strictObject({
  id,
  initialCents: cents,
  balanceCents: z.int(),
  smallestDebitCents: cents,
});

const create = postRoute({
  path: '/gift-cards',
  title: 'Create a gift card',
  params: noParams,
  body: newCard,
  status: 201,
  answer: card,
  example: {
    body: { initialCents: 5_000, smallestDebitCents: 500 },
    answer: { id: '1', initialCents: 5_000, balanceCents: 5_000, smallestDebitCents: 500 },
  },
  async handle({ body: { initialCents, smallestDebitCents } }, query) {
    const [made] = await query(createCard, [initialCents, smallestDebitCents]);
    if (!made) throw new Error('insert returned no row');
    return { id: made.id, initialCents, balanceCents: initialCents, smallestDebitCents };
  },
});

const readCard = sql<z.infer<typeof card>>`
  select id, initial_cents as "initialCents", balance_cents as "balanceCents",
    smallest_debit_cents as "smallestDebitCents"
  from gift_cards where id = $1`;

const debitsShownMax = 1_000;

const readDebits = sql<{ id: string; amountCents: number }>`
  select id, amount_cents as "amountCents" from gift_card_debits
  where card_id = $1 order by id desc limit $2`;

const show = getRoute({
  path: '/gift-cards/:id',
  title: 'Show a gift card with its latest debits, newest first',
  params: idParams,
  answer: card.extend({
    debits: z
      .array(z.strictObject({ id, amountCents: cents }))
      .max(debitsShownMax)
      .readonly(),
  }),
  example: {
    params: { id: '1' },
    answer: {
      ...{ id: '1', initialCents: 5_000, balanceCents: 1_000, smallestDebitCents: 500 },
      debits: [{ id: '1', amountCents: 4_000 }],
    },
  },
  async handle({ id: cardId }, query) {
    const [found] = await query(readCard, [cardId]);
    if (!found) throw new NotFound(`there is no gift card ${cardId}`);
    const debits = await query(readDebits, [cardId, debitsShownMax]);
    return { ...found, debits };
  },
});

export const routes: readonly Route[] = [create, show];
