import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';

const newPayroll = z.strictObject({
  employer: z.string().min(1).max(200),
  amountCents: z.number().int().min(1).max(1e12),
});

const createPayroll = sql<{ id: string }>`
  insert into payrolls (employer, amount_cents) values ($1, $2) returning id`;

const create: Route = {
  method: 'post',
  path: '/payrolls',
  title: 'Create a payroll',
  async handle({ body }, query) {
    const { employer, amountCents } = parse(newPayroll, body);
    const [payroll] = await query(createPayroll, [employer, amountCents]);
    if (!payroll) throw new Error('insert returned no row');
    return { status: 201, body: { id: payroll.id, employer, amountCents } };
  },
};

const readPayroll = sql<{ id: string; employer: string; amountCents: string }>`
  select id, employer, amount_cents as "amountCents" from payrolls where id = $1`;

const readReversals = sql<{ id: string; adminId: string }>`
  select id, admin_id as "adminId" from payroll_reversals where payroll_id = $1 order by id`;

const show: Route = {
  method: 'get',
  path: '/payrolls/:id',
  title: 'Show a payroll with its reversals',
  async handle({ params }, query) {
    const payrollId = parse(idParams, params).id;
    const [payroll] = await query(readPayroll, [payrollId]);
    if (!payroll) throw new NotFound(`there is no payroll ${payrollId}`);
    const reversals = await query(readReversals, [payrollId]);
    const amountCents = Number(payroll.amountCents);
    return { status: 200, body: { ...payroll, amountCents, reversals } };
  },
};

export const routes: readonly Route[] = [create, show];
