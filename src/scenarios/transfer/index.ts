import { z } from 'zod';
import {
  type Form,
  InvalidInput,
  NotFound,
  type Query,
  scenario,
  sql,
} from '../../contract/index.ts';
import { id, parse } from '../input.ts';
import { calls } from './calls.ts';
import { conditionalUpdate } from './conditional-update.ts';
import { load } from './load.ts';
import { routes } from './routes.ts';
import { steps, unsortedSteps } from './steps.ts';
import { keysOf, type Transfer } from './tables.ts';

const centsMax = 100_000_000;

const newTransfer = z
  .strictObject({
    fromCardId: id,
    toCardId: id,
    amountCents: z.int().min(1).max(centsMax),
  })
  .refine(body => body.fromCardId !== body.toCardId, {
    path: ['toCardId'],
    message: 'must not be the card that pays',
  });

const form: Form = {
  body: newTransfer,
  refusals: {
    'insufficient balance': 'The card that pays holds less than this amount.',
    gone: 'A card was deleted meanwhile.',
  },
  examples: [
    {
      body: { fromCardId: '1', toCardId: '2', amountCents: 700 },
      key: '1',
      decision: { accepted: '1' },
    },
    {
      body: { fromCardId: '1', toCardId: '2', amountCents: 700 },
      key: '1',
      decision: { refused: 'insufficient balance' },
    },
  ],
};

const readWallets = sql<{ id: string; wallet_id: string }>`
  select id, wallet_id from wallet_cards where id in ($1, $2)`;

async function walletOf(fromId: string, toId: string, query: Query): Promise<string> {
  const found = await query(readWallets, [fromId, toId]);
  const [from, to] = [fromId, toId].map(cardId => {
    const card = found.find(row => row.id === cardId);
    if (!card) throw new NotFound(`there is no card ${cardId}`);
    return card.wallet_id;
  });
  if (from === undefined || from !== to)
    throw new InvalidInput([{ path: 'toCardId', message: 'must be a card of the same wallet' }]);
  return from;
}

export default scenario<Transfer>({
  title: 'Money between two cards',
  path: '/transfers',
  form,
  race: 'lost update',
  exhaustedReasons: calls.exhaustedReasons,
  rounds: { opposite: { title: 'One caller in four, or the last of few, pays back.' } },
  async prepare({ body }, query) {
    const { fromCardId: fromId, toCardId: toId, amountCents } = parse(newTransfer, body);
    return { walletId: await walletOf(fromId, toId, query), fromId, toId, amountCents };
  },
  auditKey: ({ walletId }) => walletId,
  variants: {
    plain: {
      title: 'both cards in one order',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: keysOf,
      rules: { steps, 'conditional update': conditionalUpdate },
    },
    unsorted: {
      title: 'first the payer, then the payee: deadlocks',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: keysOf,
      rules: { steps: unsortedSteps },
    },
  },
  routes,
  load,
});
