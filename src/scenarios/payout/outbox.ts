import { Failure, type Rule, sql } from '../../contract/index.ts';
import { gone, invoices, type Pay, refusalOf } from './tables.ts';

const order = sql<{ id: string }>`
  insert into payment_orders (invoice_id, command_id) values ($1, $2) returning id`;

/** Transactional outbox: the order commits with the decision, and a relay sends it later. */
export const orderInSteps: Rule<Pay> = async (tx, { invoiceId }, { commandId }) => {
  const invoice = await tx.check(() => tx.read(invoices, invoiceId));
  if (!invoice) return gone;
  const refusal = refusalOf(invoice.status);
  if (refusal) return refusal;
  await tx.write(invoices, invoice, { status: 'ordered' });
  const [ordered] = await tx.query(order, [invoiceId, commandId]);
  if (!ordered) throw new Error('insert returned no row');
  return { accepted: ordered.id };
};

/** `status` is the value from before the statement waited for a rival. */
const orderOnce = sql<{ order_id: string | null; status: string }>`
  with due as (
    update invoices set status = 'ordered' where id = $1 and status = 'due' returning id
  ), ordered as (
    insert into payment_orders (invoice_id, command_id) select id, $2 from due returning id
  )
  select ordered.id as order_id, i.status
  from invoices i left join ordered on true where i.id = $1`;

const triesMax = 2; // a lost try means that a rival committed: the next one sees its state

export const orderInOneStatement: Rule<Pay> = async (tx, { invoiceId }, { commandId }) => {
  const claimed = await tx.claim(invoices, invoiceId);
  if (claimed) await tx.touch(invoices, claimed);
  for (let tries = 0; tries < triesMax; tries += 1) {
    const [answer] = await tx.query(orderOnce, [invoiceId, commandId]);
    if (!answer) return gone;
    if (answer.order_id) return { accepted: answer.order_id };
    const refusal = refusalOf(answer.status);
    if (refusal) return refusal;
  }
  throw new Failure('conflict');
};
