import { type Rule, sql } from '../../contract/index.ts';
import { cards, type Debit, refusalOf } from './tables.ts';

/**
 * Subtracts only if enough is left, and writes the ledger row in the same statement. A second
 * caller waits for the row, and Postgres re-evaluates the condition on the committed row.
 */
const subtract = sql<{ id: string }>`
  with card as (
    update gift_cards set balance_cents = balance_cents - $2::integer
    where id = $1 and balance_cents >= $2::integer
    returning id
  )
  insert into gift_card_debits (card_id, amount_cents, command_id)
  select id, $2::integer, $3 from card returning id`;

// a separate statement: inside the first one it would read the balance from before the wait
const readBalance = sql<{ balance_cents: number }>`
  select balance_cents from gift_cards where id = $1`;

export const conditionalUpdate: Rule<Debit> = async (tx, command, context) => {
  const { cardId, amountCents } = command;
  const card = await tx.claim(cards, cardId);
  if (card) await tx.touch(cards, card);
  const [debit] = await tx.query(subtract, [cardId, amountCents, context.commandId]);
  if (debit) return { accepted: debit.id };
  const [left] = await tx.query(readBalance, [cardId]);
  if (!left) return { refused: 'gone' };
  return refusalOf(left.balance_cents, command) ?? { refused: 'insufficient balance' };
};
