import { type Rule, sql } from '../../contract/index.ts';
import { cards, type Debit, refusalOf } from './tables.ts';

const recordDebit = sql<{ id: string }>`
  insert into gift_card_debits (card_id, amount_cents, command_id) values ($1, $2, $3) returning id`;

/** Reads the balance, subtracts, and writes the result back: the rule from the incident. */
export const steps: Rule<Debit> = async (tx, command, context) => {
  const { cardId, amountCents } = command;
  const card = await tx.check(() => tx.read(cards, cardId));
  if (!card) return { refused: 'gone' };
  const refusal = refusalOf(card.balance_cents, command);
  if (refusal) return refusal;
  await tx.write(cards, card, { balance_cents: card.balance_cents - amountCents });
  const [debit] = await tx.query(recordDebit, [cardId, amountCents, context.commandId]);
  return debit ? { accepted: debit.id } : { refused: 'gone' };
};
