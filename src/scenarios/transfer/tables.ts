import { type Decision, type Row, sql, type Table, type Tx } from '../../contract/index.ts';

/** Moves money between two cards of one wallet. A card's wallet never changes. */
export interface Transfer {
  readonly walletId: string;
  readonly fromId: string;
  readonly toId: string;
  readonly amountCents: number;
}

/** Both keys must be locked together. */
export const keysOf = ({ fromId, toId }: Transfer): readonly string[] => [
  `wallet_cards/${fromId}`,
  `wallet_cards/${toId}`,
];

export interface Card extends Row {
  readonly balance_cents: number;
}

/** The deciding rows. */
export const cards: Table<Card> = {
  name: 'wallet_cards',
  columns: { id: 'bigint', balance_cents: 'integer', version: 'integer', fence: 'bigint' },
};

/** The two card ids in ascending order, the same for both directions. */
export function inOrder({ fromId, toId }: Transfer): readonly [string, string] {
  return BigInt(fromId) < BigInt(toId) ? [fromId, toId] : [toId, fromId];
}

const record = sql<{ id: string }>`
  with transfer as (
    insert into transfers (wallet_id, amount_cents, command_id) values ($1, $4, $5) returning id
  ), entries as (
    insert into transfer_entries (transfer_id, card_id, amount_cents)
    select transfer.id, entry.card_id, entry.amount_cents
    from transfer, (values ($2::bigint, -$4::integer), ($3::bigint, $4::integer))
      as entry (card_id, amount_cents)
  )
  select id from transfer`;

/** Writes the transfer with its two entries. */
export async function recordTransfer(
  tx: Tx,
  { walletId, fromId, toId, amountCents }: Transfer,
  commandId: string,
): Promise<Decision> {
  const [made] = await tx.query(record, [walletId, fromId, toId, amountCents, commandId]);
  return made ? { accepted: made.id } : { refused: 'gone' };
}
