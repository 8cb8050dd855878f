import { expect, test } from 'vitest';
import { openEdge } from './edge.ts';
import { post } from './requests.ts';

const { url } = await openEdge({ DATABASE_POOLER: 'transaction', ALLOW_STRATEGY_HEADER: '1' });

test('pooler-unsafe-strategy: behind a pooler no request can choose a session lock', async () => {
  const card = await post(`${url}/gift-cards`, { initialCents: 10 });
  const debit = (strategy: string) =>
    post(
      `${url}/gift-cards/${String(card.body.id)}/debits`,
      { amountCents: 1 },
      { headers: { 'lock-strategy': strategy } },
    );
  const refused = await debit('advisory-session');
  expect([refused.status, refused.body.type]).toEqual([400, '/problems/strategy-not-offered']);
  expect(refused.body.detail).toContain('session lock');
  expect((await debit('advisory-transaction')).status).toBe(201);
});
