import { cString, messageBytesMax, UnsupportedWire } from './postgres-unit.ts';

/** One message of the server, with the fields that a gate looks at. */
export interface PostgresMessage {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Frames what a Postgres server sends. Pure: bytes in, whole messages out. */
export class PostgresReplies {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): PostgresMessage[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: PostgresMessage[] = [];
    while (this.#pending.length >= 5) {
      const length = this.#pending.readInt32BE(1) + 1;
      if (length < 5 || length > messageBytesMax) {
        throw new UnsupportedWire(`the server sent a message of ${length} bytes`);
      }
      if (this.#pending.length < length) break;
      const bytes = this.#pending.subarray(0, length);
      messages.push({ type: String.fromCharCode(bytes[0] ?? 0), bytes });
      this.#pending = this.#pending.subarray(length);
    }
    return messages;
  }
}

/** `I` outside a transaction, `T` inside, `E` inside a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E';

export function transactionStatus(ready: PostgresMessage): TransactionStatus {
  const status = String.fromCharCode(ready.bytes[5] ?? 0);
  if (status !== 'I' && status !== 'T' && status !== 'E') {
    throw new UnsupportedWire(`unknown transaction status '${status}'`);
  }
  return status;
}

/** The process id of BackendKeyData. */
export function backendPid(keyData: PostgresMessage): number {
  return keyData.bytes.readInt32BE(5);
}

/** The fields of ErrorResponse by their letters (C = SQLSTATE, M = message). */
export function errorFields(message: PostgresMessage): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let at = 5;
  while (at < message.bytes.length && message.bytes[at] !== 0) {
    const letter = String.fromCharCode(message.bytes[at] ?? 0);
    const value = cString(message.bytes, at + 1);
    fields.set(letter, value);
    at += 2 + Buffer.byteLength(value);
  }
  return fields;
}

/** An ErrorResponse with these fields. */
export function errorResponse(fields: ReadonlyMap<string, string>): PostgresMessage {
  const parts = [...fields].map(([letter, value]) => Buffer.from(`${letter}${value}\0`));
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return { type: 'E', bytes: Buffer.concat([head, body]) };
}

/** The same message where its statement stood so many characters behind the text's beginning. */
export function shifted(message: PostgresMessage, characters: number): PostgresMessage {
  if (characters === 0 || (message.type !== 'E' && message.type !== 'N')) return message;
  const fields = new Map(errorFields(message));
  const position = fields.get('P');
  if (position === undefined) return message;
  const { bytes } = errorResponse(fields.set('P', String(Number(position) + characters)));
  bytes.write(message.type);
  return { type: message.type, bytes };
}

/** What a reply amounts to, for the timeline: `2 rows`, `INSERT 0 1`, `error 40001`. */
export function summary(messages: readonly PostgresMessage[]): string {
  const parts: string[] = [];
  const first = messages.find(message => message.type === 'D');
  for (const message of messages) {
    if (message.type === 'E') parts.push(`error ${errorFields(message).get('C') ?? '?'}`);
    if (message.type !== 'C') continue;
    const tag = cString(message.bytes, 5);
    parts.push(tag.startsWith('SELECT') ? rows(tag, first) : tag);
  }
  return parts.join('; ');
}

function rows(tag: string, first: PostgresMessage | undefined): string {
  const count = Number(tag.split(' ')[1] ?? 0);
  if (count !== 1 || first === undefined) return `${count} row${count === 1 ? '' : 's'}`;
  return `(${columns(first).join(', ')})`;
}

const columnCharactersMax = 24;

/** The text columns of one DataRow; binary ones are shown by their length. */
function columns(row: PostgresMessage): string[] {
  return dataRow(row).map(value => {
    if (value === null) return 'null';
    const text = value.toString('utf8');
    const printable = [...text].every(letter => letter >= ' ');
    return printable ? text.slice(0, columnCharactersMax) : `${value.length} bytes`;
  });
}

/** The names of the columns, from the last RowDescription; empty where none was asked for. */
export function columnNames(messages: readonly PostgresMessage[]): readonly string[] {
  const bytes = messages.findLast(({ type }) => type === 'T')?.bytes;
  if (bytes === undefined) return [];
  const names: string[] = [];
  let at = 7;
  for (let left = bytes.readInt16BE(5); left > 0; left--) {
    const name = cString(bytes, at);
    names.push(name);
    at += Buffer.byteLength(name) + 1 + 18; // table, column, type, size, modifier, format
  }
  return names;
}

/** The values of a DataRow. */
export function dataRow({ bytes }: PostgresMessage): (Buffer | null)[] {
  const values: (Buffer | null)[] = [];
  let at = 7;
  for (let left = bytes.readInt16BE(5); left > 0; left--) {
    const length = bytes.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : bytes.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return values;
}
