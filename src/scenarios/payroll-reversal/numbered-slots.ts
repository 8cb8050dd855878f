import { Failure, type Rule, sql } from '../../contract/index.ts';
import { alreadyReversed, gone, payrolls, type Reverse } from './tables.ts';

/**
 * One statement decides: a payroll's only slot is free if there is no reversal, numbered or not,
 * and the unique index rejects a second one. The insert waits for a rival on the same slot, so a
 * rival that rolls back causes no false refusal.
 */
const takeSlot = sql<{ reversal_id: string | null; reversed: boolean }>`
  with asked as (
    select p.id, exists (select from payroll_reversals r where r.payroll_id = p.id) as reversed
    from payrolls p where p.id = $1
  ), reversal as (
    insert into payroll_reversals (payroll_id, admin_id, command_id, slot)
    select id, $2, $3, 1 from asked where not reversed
    on conflict do nothing
    returning id
  )
  select reversal.id as reversal_id, reversed from asked left join reversal on true`;

const triesMax = 2; // a lost try means that a rival has committed the slot: the next one sees it

export const numberedSlots: Rule<Reverse> = async (tx, { payrollId, adminId }, { commandId }) => {
  const claimed = await tx.claim(payrolls, payrollId);
  if (claimed) await tx.touch(payrolls, claimed);
  for (let tries = 0; tries < triesMax; tries += 1) {
    const [answer] = await tx.query(takeSlot, [payrollId, adminId, commandId]);
    if (!answer) return gone;
    if (answer.reversal_id) return { accepted: answer.reversal_id };
    if (answer.reversed) return alreadyReversed;
  }
  throw new Failure('conflict');
};
