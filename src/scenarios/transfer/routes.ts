import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';

const centsMax = 100_000_000;
const cardsMax = 20;

const newWallet = z.strictObject({
  balancesCents: z.array(z.int().min(0).max(centsMax)).min(2).max(cardsMax),
});

const createWallet = sql<{ id: string }>`insert into wallets default values returning id`;

const createCards = sql<{ id: string; balanceCents: number }>`
  insert into wallet_cards (wallet_id, initial_cents, balance_cents)
  select $1, cents, cents from unnest($2::integer[]) as cents
  returning id, balance_cents as "balanceCents"`;

const newCard = z.strictObject({ id, balanceCents: z.int() });

const create = postRoute({
  path: '/wallets',
  title: 'Create a wallet with cards',
  params: noParams,
  body: newWallet,
  status: 201,
  answer: z.strictObject({ id, cards: z.array(newCard).readonly() }),
  example: {
    body: { balancesCents: [1_000, 0] },
    answer: {
      id: '1',
      cards: [
        { id: '1', balanceCents: 1_000 },
        { id: '2', balanceCents: 0 },
      ],
    },
  },
  async handle({ body: { balancesCents } }, query) {
    const [wallet] = await query(createWallet, []);
    if (!wallet) throw new Error('insert returned no row');
    const cards = await query(createCards, [wallet.id, balancesCents.map(String)]);
    return { id: wallet.id, cards };
  },
});

const card = newCard.extend({ initialCents: z.int() });

const readWallet = sql<{ id: string }>`select id from wallets where id = $1`;

const readCards = sql<z.infer<typeof card>>`
  select id, initial_cents as "initialCents", balance_cents as "balanceCents"
  from wallet_cards where wallet_id = $1 order by id`;

const show = getRoute({
  path: '/wallets/:id',
  title: 'Show a wallet with its cards',
  params: idParams,
  answer: z.strictObject({ id, cards: z.array(card).readonly() }),
  example: {
    params: { id: '1' },
    answer: {
      id: '1',
      cards: [
        { id: '1', initialCents: 1_000, balanceCents: 300 },
        { id: '2', initialCents: 0, balanceCents: 700 },
      ],
    },
  },
  async handle({ id: walletId }, query) {
    const [wallet] = await query(readWallet, [walletId]);
    if (!wallet) throw new NotFound(`there is no wallet ${walletId}`);
    const cards = await query(readCards, [walletId]);
    return { id: wallet.id, cards };
  },
});

export const routes: readonly Route[] = [create, show];
