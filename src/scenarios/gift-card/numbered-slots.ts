import { Failure, type Rule, sql } from '../../contract/index.ts';
import { cards, type Debit, refusalOf } from './tables.ts';

interface Answer {
  readonly debit_id: string | null;
  readonly balance_cents: number;
}

/**
 * The ledger decides: an entry number belongs to one debit, so of two callers that read the same
 * balance the unique index rejects one. Unnumbered debits of other wordings count as entries. The
 * balance is decremented in the same statement, relative to its current value.
 */
const appendEntry = sql<Answer>`
  with seen as (
    select balance_cents,
      (select count(*)::integer from gift_card_debits where card_id = $1) as entries
    from gift_cards where id = $1
  ), debit as (
    insert into gift_card_debits (card_id, amount_cents, command_id, entry)
    select $1, $2::integer, $3, entries + 1 from seen where balance_cents >= $2::integer
    on conflict do nothing
    returning id, card_id, amount_cents
  ), told as (
    update gift_cards c set balance_cents = c.balance_cents - debit.amount_cents
    from debit where c.id = debit.card_id
  )
  select debit.id as debit_id, seen.balance_cents from seen left join debit on true`;

const triesMax = 16; // each lost try means that a rival committed an entry

export const numberedSlots: Rule<Debit> = async (tx, command, context) => {
  const { cardId, amountCents } = command;
  const card = await tx.claim(cards, cardId);
  if (card) await tx.touch(cards, card);
  for (let tries = 0; tries < triesMax; tries += 1) {
    const [answer] = await tx.query(appendEntry, [cardId, amountCents, context.commandId]);
    if (!answer) return { refused: 'gone' };
    if (answer.debit_id) return { accepted: answer.debit_id };
    const refusal = refusalOf(answer.balance_cents, command);
    if (refusal) return refusal;
  }
  throw new Failure('conflict');
};
