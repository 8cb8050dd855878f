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

const settings = /\b(lock_timeout|statement_timeout)(\s*(?:=|\bto\b)\s*)('[^']*'|\w+)/gi;

/** Which timeout of the server a statement asks for; undefined where it names none, or takes it back. */
export function timeoutAsked(text: string): CancelReason | 'none' | undefined {
  let asked: CancelReason | 'none' | undefined;
  for (const [, name = '', , value = ''] of text.matchAll(settings)) {
    const off = /^'?(0|default)\b/i.test(value);
    if (off) asked = 'none';
    else asked = /^lock/i.test(name) ? 'lock_timeout' : 'statement_timeout';
  }
  return asked;
}

/**
 * The same bytes with every such timeout switched off: it would run in real time, while others are
 * given their turns. As long as before, so that no frame changes.
 */
export function withoutTimeouts(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const raised = text.replace(settings, (_all, name: string, is: string, value: string) => {
    return `${name}${is}${'0'.padEnd(value.length)}`;
  });
  return raised === text ? bytes : Buffer.from(raised, 'latin1');
}
