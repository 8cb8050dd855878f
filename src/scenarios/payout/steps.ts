import { type Rule, sql } from '../../contract/index.ts';
import { pay } from './pay.ts';
import { gone, invoices, type Pay, refusalOf } from './tables.ts';

const record = sql<{ id: string }>`
  insert into payments (invoice_id, provider_payment_id, command_id)
  values ($1, $2, $3) returning id`;

/**
 * Reads, pays, records. The money leaves before the transaction commits: rejecting the record
 * afterwards is too late, unless the provider recognizes the repeated request.
 */
export const payThenRecord =
  (idempotencyKeyOf?: (command: Pay) => string): Rule<Pay> =>
  async (tx, command, context) => {
    const { invoiceId } = command;
    const invoice = await tx.check(() => tx.read(invoices, invoiceId));
    if (!invoice) return gone;
    const refusal = refusalOf(invoice.status);
    if (refusal) return refusal;
    const paymentId = await pay(command, context, idempotencyKeyOf?.(command));
    await tx.write(invoices, invoice, { status: 'paid' });
    const [payment] = await tx.query(record, [invoiceId, paymentId, context.commandId]);
    if (!payment) throw new Error('insert returned no row');
    return { accepted: payment.id };
  };
