import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, text } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';

const newPayroll = z.strictObject({ employer: text, amountCents: z.int().min(1).max(1e12) });

const payroll = newPayroll.extend({ id });

const createPayroll = sql<{ id: string }>`
  insert into payrolls (employer, amount_cents) values ($1, $2) returning id`;

const create = postRoute({
  path: '/payrolls',
  title: 'Create a payroll',
  params: noParams,
  body: newPayroll,
  status: 201,
  answer: payroll,
  example: {
    body: { employer: 'Acme', amountCents: 120_000 },
    answer: { id: '1', employer: 'Acme', amountCents: 120_000 },
  },
  async handle({ body: { employer, amountCents } }, query) {
    const [made] = await query(createPayroll, [employer, amountCents]);
    if (!made) throw new Error('insert returned no row');
    return { id: made.id, employer, amountCents };
  },
});

const readPayroll = sql<{ id: string; employer: string; amountCents: string }>`
  select id, employer, amount_cents as "amountCents" from payrolls where id = $1`;

const reversal = z.strictObject({ id, adminId: id });

const readReversals = sql<z.infer<typeof reversal>>`
  select id, admin_id as "adminId" from payroll_reversals where payroll_id = $1 order by id`;

const show = getRoute({
  path: '/payrolls/:id',
  title: 'Show a payroll with its reversals',
  params: idParams,
  answer: payroll.extend({ reversals: z.array(reversal).readonly() }),
  example: {
    params: { id: '1' },
    answer: {
      ...{ id: '1', employer: 'Acme', amountCents: 120_000 },
      reversals: [{ id: '1', adminId: '7' }],
    },
  },
  async handle({ id: payrollId }, query) {
    const [found] = await query(readPayroll, [payrollId]);
    if (!found) throw new NotFound(`there is no payroll ${payrollId}`);
    const reversals = await query(readReversals, [payrollId]);
    return { ...found, amountCents: Number(found.amountCents), reversals };
  },
});

export const routes: readonly Route[] = [create, show];
