import type { Rule, Tx } from '../../contract/index.ts';
import { type Card, cards, inOrder, recordTransfer, type Transfer } from './tables.ts';

/** Reads both cards, decides, and writes both, always the lower id first. */
export const steps: Rule<Transfer> = (tx, command, context) =>
  move(tx, command, inOrder(command), context.commandId);

/**
 * The same, but payer first. Two transfers in opposite directions each hold the card that the other
 * one needs: after `deadlock_timeout` Postgres aborts one of them with 40P01.
 */
export const unsortedSteps: Rule<Transfer> = (tx, command, context) =>
  move(tx, command, [command.fromId, command.toId], context.commandId);

async function move(
  tx: Tx,
  command: Transfer,
  [firstId, secondId]: readonly [string, string],
  commandId: string,
): ReturnType<Rule<Transfer>> {
  const { fromId, amountCents } = command;
  const seen = await tx.check(async () => {
    const first = await tx.read(cards, firstId);
    const second = await tx.read(cards, secondId);
    return first && second && { first, second };
  });
  if (!seen) return { refused: 'gone' };
  const { first, second } = seen;
  const from = first.id === fromId ? first : second;
  if (from.balance_cents < amountCents) return { refused: 'insufficient balance' };
  const after = (card: Card): Partial<Card> => ({
    balance_cents: card.balance_cents + (card.id === fromId ? -amountCents : amountCents),
  });
  await tx.write(cards, first, after(first));
  await tx.write(cards, second, after(second));
  return recordTransfer(tx, command, commandId);
}
