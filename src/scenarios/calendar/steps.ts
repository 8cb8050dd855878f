import { type Rule, sql } from '../../contract/index.ts';
import type { Book, Subject } from './tables.ts';

const look = sql<{ taken: boolean }>`
  select exists (
    select from visits where therapist_id = $1 and during && $2::tstzrange
  ) as taken`;

const act = sql<{ id: string }>`
  insert into visits (therapist_id, request_id, during, command_id)
  values ($1, $2, $3::tstzrange, $4) returning id`;

/** Reads, decides and writes; the subject is the row that strategies guard. */
export const steps =
  ({ table, idOf }: Subject): Rule<Book> =>
  async (tx, command, { commandId }) => {
    const { therapistId, requestId, during } = command;
    const seen = await tx.check(async () => {
      const row = await tx.read(table, idOf(command));
      const [calendar] = await tx.query(look, [therapistId, during]);
      return row && calendar && { row, calendar };
    });
    if (!seen) return { refused: 'gone' };
    if (seen.calendar.taken) return { refused: 'taken' };
    await tx.touch(table, seen.row);
    const [visit] = await tx.query(act, [therapistId, requestId, during, commandId]);
    if (!visit) throw new Error('insert returned no row');
    return { accepted: visit.id };
  };
