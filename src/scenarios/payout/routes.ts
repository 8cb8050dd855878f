import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, text } from '../input.ts';
import { getRoute, noBody, noParams, postRoute } from '../route.ts';
import { pay } from './pay.ts';
import { providerUrl } from './provider.ts';

const newInvoice = z.strictObject({ payee: text, amountCents: z.int().min(1).max(1e12) });

const invoice = newInvoice.extend({ id, status: z.enum(['due', 'ordered', 'paid']) });

const createInvoice = sql<{ id: string }>`
  insert into invoices (payee, amount_cents) values ($1, $2) returning id`;

const create = postRoute({
  path: '/invoices',
  title: 'Create a due invoice',
  params: noParams,
  body: newInvoice,
  status: 201,
  answer: invoice,
  example: {
    body: { payee: 'Cy', amountCents: 9_900 },
    answer: { id: '1', payee: 'Cy', amountCents: 9_900, status: 'due' },
  },
  async handle({ body: { payee, amountCents } }, query) {
    const [made] = await query(createInvoice, [payee, amountCents]);
    if (!made) throw new Error('insert returned no row');
    return { id: made.id, payee, amountCents, status: 'due' as const };
  },
});

const readInvoice = sql<Omit<z.infer<typeof invoice>, 'amountCents'> & { amountCents: string }>`
  select id, payee, amount_cents as "amountCents", status from invoices where id = $1`;

const payment = z.strictObject({ id, providerPaymentId: id });

const readPayments = sql<z.infer<typeof payment>>`
  select id, provider_payment_id as "providerPaymentId"
  from payments where invoice_id = $1 order by id`;

const show = getRoute({
  path: '/invoices/:id',
  title: 'Show an invoice with its payments',
  params: idParams,
  answer: invoice.extend({ payments: z.array(payment).readonly() }),
  example: {
    params: { id: '1' },
    answer: {
      id: '1',
      payee: 'Cy',
      amountCents: 9_900,
      status: 'paid',
      payments: [{ id: '1', providerPaymentId: '1' }],
    },
  },
  async handle({ id: invoiceId }, query) {
    const [found] = await query(readInvoice, [invoiceId]);
    if (!found) throw new NotFound(`there is no invoice ${invoiceId}`);
    const payments = await query(readPayments, [invoiceId]);
    return { ...found, amountCents: Number(found.amountCents), payments };
  },
});

const runMax = 1_000;

const listDue = sql<{ id: string; amountCents: string }>`
  select id, amount_cents as "amountCents" from invoices
  where status = 'due' and ($1::text is null or payee = $1)
  order by id limit $2`;

const due = z.strictObject({ id, amountCents: z.int(), pay: z.string() });

const run = postRoute({
  path: '/payout-runs',
  title: 'Start a run: list the due invoices, for the caller to pay one by one',
  params: noParams,
  body: z.strictObject({ payee: text.optional() }).optional(),
  status: 201,
  answer: z.strictObject({ id: z.uuid(), invoices: z.array(due).max(runMax) }),
  example: {
    body: { payee: 'Cy' },
    answer: {
      id: '7f1c2d1e-5b0a-4c8e-9a52-0d8f6f0b3c11',
      invoices: [{ id: '1', amountCents: 9_900, pay: '/invoices/1/payments' }],
    },
  },
  async handle({ body }, query) {
    const found = await query(listDue, [body?.payee ?? null, runMax]);
    const invoices = found.map(({ id: invoiceId, amountCents }) => ({
      id: invoiceId,
      amountCents: Number(amountCents),
      pay: `/invoices/${invoiceId}/payments`,
    }));
    return { id: randomUUID(), invoices };
  },
});

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
const deliver = postRoute({
  path: '/payment-deliveries',
  title: 'Send the oldest pending payment orders',
  params: noParams,
  body: noBody,
  status: 200,
  answer: z.strictObject({ delivered: z.int().min(0).max(deliveryMax) }),
  example: { answer: { delivered: 0 } },
  async handle(_sent, query) {
    const orders = await query(nextOrders, [deliveryMax]);
    const lost = new AbortController().signal;
    for (const { id: orderId, commandId, ...ordered } of orders) {
      const command = { ...ordered, provider: () => providerUrl({ query, commits: false }) };
      const paymentId = await pay(command, { commandId, fetch, lost }, `order/${orderId}`);
      await query(settle, [orderId, ordered.invoiceId, paymentId, commandId]);
    }
    return { delivered: orders.length };
  },
});

const newJob = z.strictObject({
  invoices: z.array(newInvoice).min(1).max(100),
});

const createJob = sql<{ id: string }>`insert into payout_jobs default values returning id`;

const listInvoice = sql<{ id: string }>`
  insert into invoices (payee, amount_cents, job_id) values ($1, $2, $3) returning id`;

const createList = postRoute({
  path: '/payout-jobs',
  title: 'Create a job with its due invoices',
  params: noParams,
  body: newJob,
  status: 201,
  answer: z.strictObject({ id, invoices: z.array(id), run: z.string() }),
  example: {
    body: { invoices: [{ payee: 'Di', amountCents: 4_200 }] },
    answer: { id: '2', invoices: ['3'], run: '/payout-jobs/2/runs' },
  },
  async handle({ body: { invoices } }, query) {
    const [job] = await query(createJob, []);
    if (!job) throw new Error('insert returned no row');
    const ids: string[] = [];
    for (const { payee, amountCents } of invoices) {
      const [made] = await query(listInvoice, [payee, amountCents, job.id]);
      if (made) ids.push(made.id);
    }
    return { id: job.id, invoices: ids, run: `/payout-jobs/${job.id}/runs` };
  },
});

export const routes: readonly Route[] = [create, show, run, createList, deliver];
