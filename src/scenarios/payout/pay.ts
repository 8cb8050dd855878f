import { z } from 'zod';
import { type Context, Failure } from '../../contract/index.ts';
import type { Pay } from './tables.ts';

const answerMaxMs = 4_000;
const triesMax = 3;
const answer = z.object({ id: z.string() });

/**
 * Sends a payment to the provider and returns the payment's id. With an idempotency key a lost
 * response is retried; without one the outcome is unknown, so it throws
 * `Failure('outcome-unknown')`.
 */
export async function pay(
  command: Pay,
  { commandId, fetch, lost }: Pick<Context, 'commandId' | 'fetch' | 'lost'>,
  idempotencyKey: string | undefined,
): Promise<string> {
  if (lost.aborted) throw new Failure('turn-lost');
  const url = `${await command.provider()}/payments`;
  const { invoiceId, amountCents } = command;
  const body = JSON.stringify({ invoiceId, amountCents, commandId });
  const headers = {
    'content-type': 'application/json',
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
  let cause: unknown;
  const tries = idempotencyKey === undefined ? 1 : triesMax;
  for (let number = 0; number < tries; number += 1) {
    try {
      const signal = AbortSignal.timeout(answerMaxMs);
      const response = await fetch(url, { method: 'POST', headers, body, signal });
      if (response.ok) return answer.parse(await response.json()).id;
      cause = new Error(`the provider answered ${response.status}`);
      await response.body?.cancel();
    } catch (error) {
      cause = error;
    }
  }
  throw new Failure('outcome-unknown', { cause });
}
