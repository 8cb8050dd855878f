import { type Form, NotFound, ownRoute, scenario, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
import { noBody } from '../route.ts';
import { calls } from './calls.ts';
import { payThenRecordOnce } from './conditional-update.ts';
import { load } from './load.ts';
import { orderInOneStatement, orderInSteps } from './outbox.ts';
import { providerUrl } from './provider.ts';
import { routes } from './routes.ts';
import { payThenRecord } from './steps.ts';
import { keyOf, type Pay } from './tables.ts';
import { wholeRun } from './whole-run.ts';

const form: Form = {
  params: idParams,
  body: noBody,
  refusals: {
    'already paid': 'The invoice has been paid.',
    'already ordered': 'The payment has been ordered, and a delivery will send it.',
    gone: 'The invoice was deleted meanwhile.',
  },
  examples: [
    { params: { id: '1' }, key: '1', decision: { accepted: '1' } },
    { params: { id: '1' }, key: '1', decision: { refused: 'already paid' } },
  ],
};

const readInvoice = sql<{ amountCents: string }>`
  select amount_cents as "amountCents" from invoices where id = $1`;

/** Derived from the invoice, not the command: two commands for one invoice must be one payment. */
const keyOfPayment = (command: Pay): string => `invoice/${command.invoiceId}`;

export default scenario<Pay>({
  title: 'Two runs pay one invoice',
  path: '/invoices/:id/payments',
  form,
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  async prepare({ params, body }, query) {
    const { id: invoiceId } = parse(idParams, params);
    parse(noBody, body);
    const [invoice] = await query(readInvoice, [invoiceId]);
    if (!invoice) throw new NotFound(`there is no invoice ${invoiceId}`);
    const provider = (): Promise<string> => providerUrl({ query, commits: true });
    return { invoiceId, amountCents: invoice.amountCents, provider };
  },
  auditKey: ({ invoiceId }) => invoiceId,
  variants: {
    plain: {
      title: 'the provider pays as often as it is asked',
      acts: 'updates the deciding row',
      effect: 'outside',
      keys: command => [keyOf(command)],
      rules: { steps: payThenRecord() },
    },
    'idempotency-key': {
      title: 'the provider is given the invoice as idempotency key',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: {
        steps: payThenRecord(keyOfPayment),
        'conditional update': payThenRecordOnce(keyOfPayment),
      },
    },
    outbox: {
      title: 'the order to pay commits with the decision, and a relay sends it',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: { steps: orderInSteps, 'conditional update': orderInOneStatement },
    },
    'whole-run': ownRoute(wholeRun),
  },
  routes,
  load,
});
