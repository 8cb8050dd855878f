import { z } from 'zod';
import { type Form, NotFound, scenario, sql } from '../../contract/index.ts';
import { id, idParams, parse } from '../input.ts';
import { calls } from './calls.ts';
import { conditionalInsert } from './conditional-insert.ts';
import { load } from './load.ts';
import { numberedSlots } from './numbered-slots.ts';
import { routes } from './routes.ts';
import { steps } from './steps.ts';
import { keyOf, type Reverse } from './tables.ts';

const sent = z.strictObject({ adminId: id });

const form: Form = {
  params: idParams,
  body: sent,
  refusals: {
    'already reversed': 'The payroll has a reversal.',
    gone: 'The payroll was deleted meanwhile.',
  },
  examples: [
    { params: { id: '1' }, body: { adminId: '7' }, key: '1', decision: { accepted: '1' } },
    {
      params: { id: '1' },
      body: { adminId: '8' },
      key: '1',
      decision: { refused: 'already reversed' },
    },
  ],
};

const readPayroll = sql<{ id: string }>`select id from payrolls where id = $1`;

export default scenario<Reverse>({
  title: 'Two admins reverse one payroll',
  path: '/payrolls/:id/reversals',
  form,
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  async prepare({ params, body }, query) {
    const { id: payrollId } = parse(idParams, params);
    const { adminId } = parse(sent, body);
    const [payroll] = await query(readPayroll, [payrollId]);
    if (!payroll) throw new NotFound(`there is no payroll ${payrollId}`);
    return { payrollId, adminId };
  },
  auditKey: ({ payrollId }) => payrollId,
  variants: {
    plain: {
      title: 'at most one reversal per payroll',
      acts: 'inserts beside it',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: { steps, 'numbered slots': numberedSlots, 'conditional insert': conditionalInsert },
    },
  },
  routes,
  load,
});
