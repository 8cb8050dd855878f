import { type Rule, sql } from '../../contract/index.ts';
import { pay } from './pay.ts';
import { gone, invoices, type Pay, refusalOf } from './tables.ts';

const look = sql<{ status: string }>`select status from invoices where id = $1`;

const recordOnce = sql<{ id: string }>`
  with paid as (
    update invoices set status = 'paid' where id = $1 and status = 'due' returning id
  )
  insert into payments (invoice_id, provider_payment_id, command_id)
  select id, $2, $3 from paid returning id`;

/**
 * Pays under the invoice's idempotency key, even concurrently, and lets one statement decide who
 * records the payment. Works only if the provider honours the key: otherwise every caller would
 * have paid.
 */
export const payThenRecordOnce =
  (idempotencyKeyOf: (command: Pay) => string): Rule<Pay> =>
  async (tx, command, context) => {
    const { invoiceId } = command;
    const claimed = await tx.claim(invoices, invoiceId);
    const [invoice] = claimed ? [claimed] : await tx.query(look, [invoiceId]);
    if (!invoice) return gone;
    const refusal = refusalOf(invoice.status);
    if (refusal) return refusal;
    const paymentId = await pay(command, context, idempotencyKeyOf(command));
    if (claimed) await tx.touch(invoices, claimed);
    const [payment] = await tx.query(recordOnce, [invoiceId, paymentId, context.commandId]);
    return payment ? { accepted: payment.id } : { refused: 'already paid' };
  };
