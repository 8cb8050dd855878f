import { errorFields, errorResponse, type PostgresMessage } from '../wire/postgres-replies.ts';

/** How a statement that the explorer cancels is to look to its client. */
export type CancelReason = 'deadlock' | 'lock_timeout' | 'statement_timeout';

const reads: Readonly<Record<CancelReason, readonly [code: string, message: string]>> = {
  deadlock: ['40P01', 'deadlock detected'],
  lock_timeout: ['55P03', 'canceling statement due to lock timeout'],
  statement_timeout: ['57014', 'canceling statement due to statement timeout'],
};

/** The server's answer to a cancel, as the client would have read it without the explorer. */
export function cancelledAs(
  reason: CancelReason | undefined,
  message: PostgresMessage,
): PostgresMessage {
  if (message.type !== 'E' || reason === undefined) return message;
  const fields = new Map(errorFields(message));
  if (fields.get('C') !== '57014') return message;
  const [code, text] = reads[reason];
  return errorResponse(fields.set('C', code).set('M', text));
}
