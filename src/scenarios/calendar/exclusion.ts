import { Failure, type Rule, sql } from '../../contract/index.ts';
import type { Book, Subject } from './tables.ts';

/**
 * One statement decides: it checks all visits, guarded or not, and the exclusion constraint rejects
 * a second one. ON CONFLICT DO NOTHING matters: a plain insert adds its index entry before it waits
 * for the other, so two overlapping inserts deadlock (15 deadlocks in 640 inserts by 16 contenders,
 * the slowest took 15 s). The insert waits for a rival, which may still roll back.
 */
const bookGuarded = sql<{ visit_id: string | null; taken: boolean }>`
  with calendar as (
    select exists (
      select from visits where therapist_id = $1 and during && $3::tstzrange
    ) as taken
  ), visit as (
    insert into visits (therapist_id, request_id, during, command_id, guarded)
    select $1, $2, $3::tstzrange, $4, true from calendar where not taken
    on conflict do nothing
    returning id
  )
  select visit.id as visit_id, taken from calendar left join visit on true`;

const triesMax = 2; // a lost try means that a rival committed: the next one sees its visit

export const exclusion =
  ({ table, idOf }: Subject): Rule<Book> =>
  async (tx, command, { commandId }) => {
    const { therapistId, requestId, during } = command;
    const claimed = await tx.claim(table, idOf(command));
    if (claimed) await tx.touch(table, claimed);
    for (let tries = 0; tries < triesMax; tries += 1) {
      const [answer] = await tx.query(bookGuarded, [therapistId, requestId, during, commandId]);
      if (answer?.visit_id) return { accepted: answer.visit_id };
      if (answer?.taken) return { refused: 'taken' };
    }
    throw new Failure('conflict');
  };
