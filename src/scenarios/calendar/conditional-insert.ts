import { type Rule, sql } from '../../contract/index.ts';
import { type Book, byTherapist } from './tables.ts';

/** One statement, but not atomic: `not exists` reads the snapshot from the statement's start. */
const insertWhereFree = sql<{ id: string }>`
  insert into visits (therapist_id, request_id, during, command_id)
  select $1, $2, $3::tstzrange, $4
  where not exists (select from visits where therapist_id = $1 and during && $3::tstzrange)
  returning id`;

export const conditionalInsert: Rule<Book> = async (tx, command, { commandId }) => {
  const { therapistId, requestId, during } = command;
  const claimed = await tx.claim(byTherapist.table, therapistId);
  if (claimed) await tx.touch(byTherapist.table, claimed);
  const [visit] = await tx.query(insertWhereFree, [therapistId, requestId, during, commandId]);
  return visit ? { accepted: visit.id } : { refused: 'taken' };
};
