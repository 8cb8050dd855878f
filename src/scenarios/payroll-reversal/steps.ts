import { type Rule, sql } from '../../contract/index.ts';
import { alreadyReversed, gone, payrolls, type Reverse } from './tables.ts';

const look = sql<{ reversed: boolean }>`
  select exists (select from payroll_reversals where payroll_id = $1) as reversed`;

const act = sql<{ id: string }>`
  insert into payroll_reversals (payroll_id, admin_id, command_id) values ($1, $2, $3) returning id`;

/** The on-create validation from the incident: looks for a reversal, then inserts one. */
export const steps: Rule<Reverse> = async (tx, { payrollId, adminId }, { commandId }) => {
  const seen = await tx.check(async () => {
    const payroll = await tx.read(payrolls, payrollId);
    const [reversal] = await tx.query(look, [payrollId]);
    return payroll && reversal && { payroll, reversal };
  });
  if (!seen) return gone;
  if (seen.reversal.reversed) return alreadyReversed;
  await tx.touch(payrolls, seen.payroll);
  const [reversal] = await tx.query(act, [payrollId, adminId, commandId]);
  if (!reversal) throw new Error('insert returned no row');
  return { accepted: reversal.id };
};
