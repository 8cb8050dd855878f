import { type Rule, sql } from '../../contract/index.ts';
import { alreadyReversed, gone, payrolls, type Reverse } from './tables.ts';

/**
 * Looks atomic but is not: under READ COMMITTED the count reads the snapshot from the start of the
 * statement and misses what a rival inserts in the meantime.
 */
const insertWhereNone = sql<{ reversal_id: string | null }>`
  with reversal as (
    insert into payroll_reversals (payroll_id, admin_id, command_id)
    select p.id, $2, $3 from payrolls p
    where p.id = $1 and (select count(*) from payroll_reversals where payroll_id = $1) < 1
    returning id
  )
  select reversal.id as reversal_id from payrolls p left join reversal on true where p.id = $1`;

export const conditionalInsert: Rule<Reverse> = async (tx, command, { commandId }) => {
  const { payrollId, adminId } = command;
  const claimed = await tx.claim(payrolls, payrollId);
  if (claimed) await tx.touch(payrolls, claimed);
  const [answer] = await tx.query(insertWhereNone, [payrollId, adminId, commandId]);
  if (!answer) return gone;
  return answer.reversal_id ? { accepted: answer.reversal_id } : alreadyReversed;
};
