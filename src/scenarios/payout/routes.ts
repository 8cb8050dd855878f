import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, parse } from '../input.ts';
import { pay } from './pay.ts';
import { providerUrl } from './provider.ts';

const newInvoice = z.strictObject({
  payee: z.string().min(1).max(200),
  amountCents: z.number().int().min(1).max(1e12),
});

const createInvoice = sql<{ id: string }>`
  insert into invoices (payee, amount_cents) values ($1, $2) returning id`;

const create: Route = {
  method: 'post',
  path: '/invoices',
  title: 'Create a due invoice',
  async handle({ body }, query) {
    const { payee, amountCents } = parse(newInvoice, body);
    const [invoice] = await query(createInvoice, [payee, amountCents]);
    if (!invoice) throw new Error('insert returned no row');
    return { status: 201, body: { id: invoice.id, payee, amountCents, status: 'due' } };
  },
};

const readInvoice = sql<{ id: string; payee: string; amountCents: string; status: string }>`
  select id, payee, amount_cents as "amountCents", status from invoices where id = $1`;

const readPayments = sql<{ id: string; providerPaymentId: string }>`
  select id, provider_payment_id as "providerPaymentId"
  from payments where invoice_id = $1 order by id`;

const show: Route = {
  method: 'get',
  path: '/invoices/:id',
  title: 'Show an invoice with its payments',
  async handle({ params }, query) {
    const invoiceId = parse(z.object({ id }), params).id;
    const [invoice] = await query(readInvoice, [invoiceId]);
    if (!invoice) throw new NotFound(`there is no invoice ${invoiceId}`);
    const payments = await query(readPayments, [invoiceId]);
    const amountCents = Number(invoice.amountCents);
    return { status: 200, body: { ...invoice, amountCents, payments } };
  },
};

const runMax = 1_000;

const listDue = sql<{ id: string; amountCents: string }>`
  select id, amount_cents as "amountCents" from invoices
  where status = 'due' and ($1::text is null or payee = $1)
  order by id limit $2`;

const run: Route = {
  method: 'post',
  path: '/payout-runs',
  title: 'Start a run: list the due invoices, for the caller to pay one by one',
  async handle({ body }, query) {
    const asked = parse(z.strictObject({ payee: z.string().max(200).optional() }).optional(), body);
    const due = await query(listDue, [asked?.payee ?? null, runMax]);
    const invoices = due.map(({ id: invoiceId, amountCents }) => ({
      id: invoiceId,
      amountCents: Number(amountCents),
      pay: `/invoices/${invoiceId}/payments`,
    }));
    return { status: 201, body: { id: randomUUID(), invoices } };
  },
};

const deliveryMax = 20;

// other relays skip what this one is sending
const nextOrders = sql<{ id: string; invoiceId: string; amountCents: string; commandId: string }>`
  select o.id, i.id as "invoiceId", i.amount_cents as "amountCents", o.command_id as "commandId"
  from payment_orders o join invoices i on i.id = o.invoice_id
  where o.payment_id is null order by o.id limit $1
  for no key update of o skip locked`;

const settle = sql<{ id: string }>`
  with payment as (
    insert into payments (invoice_id, provider_payment_id, command_id)
    values ($2, $3, $4) returning id
  ), sent as (
    update payment_orders set payment_id = payment.id from payment where payment_orders.id = $1
  )
  update invoices set status = 'paid' where id = $2 returning id`;

/**
 * The relay. The idempotency key is the order's: if the relay dies after the provider has paid, the
 * next delivery resends the order and gets the same payment.
 */
const deliver: Route = {
  method: 'post',
  path: '/payment-deliveries',
  title: 'Send the oldest pending payment orders',
  async handle(_input, query) {
    const orders = await query(nextOrders, [deliveryMax]);
    const lost = new AbortController().signal;
    for (const { id: orderId, commandId, ...invoice } of orders) {
      const command = { ...invoice, provider: () => providerUrl({ query, commits: false }) };
      const paymentId = await pay(command, { commandId, fetch, lost }, `order/${orderId}`);
      await query(settle, [orderId, invoice.invoiceId, paymentId, commandId]);
    }
    return { status: 200, body: { delivered: orders.length } };
  },
};

const newJob = z.strictObject({
  invoices: z.array(newInvoice).min(1).max(100),
});

const createJob = sql<{ id: string }>`insert into payout_jobs default values returning id`;

const listInvoice = sql<{ id: string }>`
  insert into invoices (payee, amount_cents, job_id) values ($1, $2, $3) returning id`;

const createList: Route = {
  method: 'post',
  path: '/payout-jobs',
  title: 'Create a job with its due invoices',
  async handle({ body }, query) {
    const { invoices } = parse(newJob, body);
    const [job] = await query(createJob, []);
    if (!job) throw new Error('insert returned no row');
    const ids: string[] = [];
    for (const { payee, amountCents } of invoices) {
      const [invoice] = await query(listInvoice, [payee, amountCents, job.id]);
      if (invoice) ids.push(invoice.id);
    }
    return { status: 201, body: { id: job.id, invoices: ids, run: `/payout-jobs/${job.id}/runs` } };
  },
};

export const routes: readonly Route[] = [create, show, run, createList, deliver];
