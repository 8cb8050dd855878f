import type { Decision, Row, Table } from '../../contract/index.ts';

/** A request to pay an invoice. Its amount never changes. */
export interface Pay {
  readonly invoiceId: string;
  readonly amountCents: string;
  /** The provider's URL; resolved only by callers that need it. */
  readonly provider: () => Promise<string>;
}

/** The key that must be decided one at a time. */
export const keyOf = (command: Pay): string => `invoices/${command.invoiceId}`;

export interface Invoice extends Row {
  readonly status: string;
}

/** The deciding row. */
export const invoices: Table<Invoice> = {
  name: 'invoices',
  columns: { id: 'bigint', status: 'text', version: 'integer', fence: 'bigint' },
};

export const gone: Decision = { refused: 'gone' };

/** Why an invoice in this state is not paid; undefined if it is due. */
export function refusalOf(status: string): Decision | undefined {
  if (status === 'paid') return { refused: 'already paid' };
  return status === 'ordered' ? { refused: 'already ordered' } : undefined;
}
