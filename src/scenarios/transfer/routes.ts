import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';

const centsMax = 100_000_000;
const cardsMax = 20;

const newWallet = z.strictObject({
  balancesCents: z.array(z.number().int().min(0).max(centsMax)).min(2).max(cardsMax),
});

const createWallet = sql<{ id: string }>`insert into wallets default values returning id`;

const createCards = sql<{ id: string; balanceCents: number }>`
  insert into wallet_cards (wallet_id, initial_cents, balance_cents)
  select $1, cents, cents from unnest($2::integer[]) as cents
  returning id, balance_cents as "balanceCents"`;

const create: Route = {
  method: 'post',
  path: '/wallets',
  title: 'Create a wallet with cards',
  async handle({ body }, query) {
    const { balancesCents } = parse(newWallet, body);
    const [wallet] = await query(createWallet, []);
    if (!wallet) throw new Error('insert returned no row');
    const cards = await query(createCards, [wallet.id, balancesCents.map(String)]);
    return { status: 201, body: { id: wallet.id, cards } };
  },
};

const readWallet = sql<{ id: string }>`select id from wallets where id = $1`;

const readCards = sql<{ id: string; initialCents: number; balanceCents: number }>`
  select id, initial_cents as "initialCents", balance_cents as "balanceCents"
  from wallet_cards where wallet_id = $1 order by id`;

const show: Route = {
  method: 'get',
  path: '/wallets/:id',
  title: 'Show a wallet with its cards',
  async handle({ params }, query) {
    const walletId = parse(idParams, params).id;
    const [wallet] = await query(readWallet, [walletId]);
    if (!wallet) throw new NotFound(`there is no wallet ${walletId}`);
    const cards = await query(readCards, [walletId]);
    return { status: 200, body: { ...wallet, cards } };
  },
};

export const routes: readonly Route[] = [create, show];
