import type { Decision, Row, Table } from '../../contract/index.ts';

/** A payment with a gift card. A card's smallest debit never changes. */
export interface Debit {
  readonly cardId: string;
  readonly amountCents: number;
  readonly smallestDebitCents: number;
}

/** The key that must be decided one at a time. */
export const keyOf = (command: Debit): string => `gift_cards/${command.cardId}`;

export interface Card extends Row {
  readonly balance_cents: number;
}

/** The deciding row. */
export const cards: Table<Card> = {
  name: 'gift_cards',
  columns: { id: 'bigint', balance_cents: 'integer', version: 'integer', fence: 'bigint' },
};

/**
 * Why a card with this balance cannot pay; undefined if it can. `used up` claims that no debit at
 * all is possible.
 */
export function refusalOf(balanceCents: number, command: Debit): Decision | undefined {
  if (balanceCents < command.smallestDebitCents) return { refused: 'used up' };
  return balanceCents < command.amountCents ? { refused: 'insufficient balance' } : undefined;
}
