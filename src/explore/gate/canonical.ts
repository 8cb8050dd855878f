import { createHash } from 'node:crypto';
import { dataRow, errorFields, type PostgresMessage } from '../wire/postgres-replies.ts';
import { cString } from '../wire/postgres-unit.ts';
import type { RedisReply } from '../wire/resp.ts';

const replyCharactersMax = 4_096;

/** A reply of any length as a text of about 4 kB at most, equal only for equal replies. */
export function capped(text: string): string {
  if (text.length <= replyCharactersMax) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  return `${text.slice(0, replyCharactersMax)}… sha256:${digest}`;
}

/** Rows, tags and SQLSTATEs, in the order in which they came; what a driver adds is left out. */
export function postgresReply(messages: readonly PostgresMessage[]): string {
  const parts: string[] = [];
  for (const message of messages) {
    if (message.type === 'D') parts.push(rowText(message));
    else if (message.type === 'C') parts.push(cString(message.bytes, 5));
    else if (message.type === 'E') parts.push(`error ${errorFields(message).get('C') ?? '?'}`);
  }
  return capped(parts.join('\n'));
}

/** What Redis answered, as JSON. */
export function redisReply(replies: readonly RedisReply[]): string {
  const values = replies.map(reply => reply.value);
  return capped(JSON.stringify(values.length === 1 ? values[0] : values));
}

/** The columns of a DataRow as JSON; a value that is no text is shown in hexadecimal. */
function rowText(row: PostgresMessage): string {
  return JSON.stringify(dataRow(row).map(value => (value === null ? null : valueText(value))));
}

function valueText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const readable = !text.includes('\ufffd') && !bytes.includes(0);
  return readable ? text : `\\x${bytes.toString('hex')}`;
}
