import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
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

const create: Route = {
  method: 'post',
  path: '/gift-cards',
  title: 'Create a gift card',
  async handle({ body }, query) {
    const { initialCents, smallestDebitCents } = parse(newCard, body);
    const [card] = await query(createCard, [initialCents, smallestDebitCents]);
    if (!card) throw new Error('insert returned no row');
    const balanceCents = initialCents;
    return { status: 201, body: { id: card.id, initialCents, balanceCents, smallestDebitCents } };
  },
};

const readCard = sql<{ id: string; balanceCents: number }>`
  select id, initial_cents as "initialCents", balance_cents as "balanceCents",
    smallest_debit_cents as "smallestDebitCents"
  from gift_cards where id = $1`;

const debitsShownMax = 1_000;

const readDebits = sql<{ id: string; amountCents: number }>`
  select id, amount_cents as "amountCents" from gift_card_debits
  where card_id = $1 order by id desc limit $2`;

const show: Route = {
  method: 'get',
  path: '/gift-cards/:id',
  title: 'Show a gift card with its latest debits, newest first',
  async handle({ params }, query) {
    const cardId = parse(idParams, params).id;
    const [card] = await query(readCard, [cardId]);
    if (!card) throw new NotFound(`there is no gift card ${cardId}`);
    const debits = await query(readDebits, [cardId, debitsShownMax]);
    return { status: 200, body: { ...card, debits } };
  },
};

export const routes: readonly Route[] = [create, show];
