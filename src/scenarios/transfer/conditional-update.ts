import { type Rule, sql } from '../../contract/index.ts';
import { cards, inOrder, type Transfer } from './tables.ts';

/**
 * One statement that locks both cards in id order, checks the payer's balance under the lock, and
 * moves the money. Without the first part the update would lock the rows in any order, and two
 * transfers in opposite directions could deadlock within one statement.
 */
const moveMoney = sql<{ id: string }>`
  with locked as (
    select id, balance_cents from wallet_cards where id in ($2, $3) order by id for no key update
  ), decided as (
    select count(*) = 2 and bool_or(id = $2 and balance_cents >= $4::integer) as enough from locked
  ), moved as (
    update wallet_cards c
    set balance_cents = c.balance_cents + case when c.id = $2 then -$4::integer else $4::integer end
    from locked, decided
    where c.id = locked.id and decided.enough
  ), transfer as (
    insert into transfers (wallet_id, amount_cents, command_id)
    select $1, $4::integer, $5 from decided where enough
    returning id
  ), entries as (
    insert into transfer_entries (transfer_id, card_id, amount_cents)
    select transfer.id, locked.id, case when locked.id = $2 then -$4::integer else $4::integer end
    from transfer, locked
  )
  select id from transfer`;

export const conditionalUpdate: Rule<Transfer> = async (tx, command, context) => {
  const { walletId, fromId, toId, amountCents } = command;
  for (const id of inOrder(command)) {
    const card = await tx.claim(cards, id);
    if (card) await tx.touch(cards, card);
  }
  const values = [walletId, fromId, toId, amountCents, context.commandId];
  const [made] = await tx.query(moveMoney, values);
  return made ? { accepted: made.id } : { refused: 'insufficient balance' };
};
