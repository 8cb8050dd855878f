import { messageBytesMax, UnsupportedWire } from './postgres-unit.ts';

/**
 * Frames Redis' protocol (RESP2 and RESP3). Pure: bytes in, whole requests or replies out.
 * Source: Redis documentation, "Redis serialization protocol specification".
 */
export interface RedisRequest {
  readonly bytes: Buffer;
  /** The command and its arguments, as text. */
  readonly words: readonly string[];
}

export interface RedisReply {
  readonly bytes: Buffer;
  /** RESP3 `>`: sent by the server on its own account, never the answer to a request. */
  readonly push: boolean;
  readonly value: RedisValue;
}

export type RedisValue =
  | string
  | number
  | null
  | boolean
  | { readonly error: string }
  | RedisValue[];

const depthMax = 16;
const elementsMax = 1_000_000;

export class RespRequests {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): RedisRequest[] {
    this.#pending = append(this.#pending, chunk);
    const requests: RedisRequest[] = [];
    while (this.#pending.length > 0) {
      const frame = this.#pending[0] === 0x2a ? value(this.#pending, 0, 0) : inline(this.#pending);
      if (frame === undefined) break;
      const bytes = this.#pending.subarray(0, frame.end);
      this.#pending = this.#pending.subarray(frame.end);
      const words = Array.isArray(frame.value) ? frame.value.map(String) : [];
      if (words.length > 0) requests.push({ bytes, words });
    }
    return requests;
  }
}

export class RespReplies {
  readonly #encoding: BufferEncoding;
  #pending: Buffer = Buffer.alloc(0);

  /** Strings are read as UTF-8; as `latin1` they keep each byte. */
  constructor(encoding: BufferEncoding = 'utf8') {
    this.#encoding = encoding;
  }

  push(chunk: Buffer): RedisReply[] {
    this.#pending = append(this.#pending, chunk);
    const replies: RedisReply[] = [];
    while (this.#pending.length > 0) {
      let from = 0;
      // An attribute stands before the reply that it describes.
      const attribute = this.#pending[0] === 0x7c ? value(this.#pending, 0, 0) : { end: 0 };
      if (attribute === undefined) break;
      from = attribute.end;
      const frame = value(this.#pending, from, 0, this.#encoding);
      if (frame === undefined) break;
      replies.push({
        bytes: this.#pending.subarray(0, frame.end),
        push: this.#pending[from] === 0x3e,
        value: frame.value,
      });
      this.#pending = this.#pending.subarray(frame.end);
    }
    return replies;
  }
}

interface Frame {
  readonly end: number;
  readonly value: RedisValue;
}

function append(pending: Buffer, chunk: Buffer): Buffer {
  if (pending.length + chunk.length > messageBytesMax) {
    throw new UnsupportedWire('a Redis message is larger than a gate holds (64 MiB)');
  }
  return pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
}

function inline(bytes: Buffer): Frame | undefined {
  const end = bytes.indexOf('\n');
  if (end < 0) return undefined;
  const words = bytes.toString('utf8', 0, end).trim().split(/\s+/);
  return { end: end + 1, value: words[0] === '' ? [] : words };
}

function value(
  bytes: Buffer,
  from: number,
  depth: number,
  encoding: BufferEncoding = 'utf8',
): Frame | undefined {
  if (depth > depthMax) throw new UnsupportedWire('a Redis message is nested too deeply');
  const lineEnd = bytes.indexOf('\r\n', from);
  if (lineEnd < 0) return undefined;
  const type = String.fromCharCode(bytes[from] ?? 0);
  const line = bytes.toString('utf8', from + 1, lineEnd);
  const end = lineEnd + 2;
  switch (type) {
    case '+':
    case ',':
    case '(':
      return { end, value: line };
    case '-':
      return { end, value: { error: line } };
    case ':':
      return { end, value: Number(line) };
    case '_':
      return { end, value: null };
    case '#':
      return { end, value: line === 't' };
    case '$':
    case '=':
      return bulk(bytes, end, Number(line), encoding);
    case '!': {
      const frame = bulk(bytes, end, Number(line), encoding);
      return frame && { end: frame.end, value: { error: String(frame.value) } };
    }
    case '*':
    case '~':
    case '>':
      return elements(bytes, end, Number(line), depth, encoding);
    case '%':
    case '|':
      return elements(bytes, end, 2 * Number(line), depth, encoding);
    default:
      throw new UnsupportedWire(
        `unknown Redis frame '${type}': is this a Redis server and plain TCP?`,
      );
  }
}

function bulk(
  bytes: Buffer,
  from: number,
  length: number,
  encoding: BufferEncoding,
): Frame | undefined {
  if (length < 0) return { end: from, value: null };
  if (!Number.isInteger(length))
    throw new UnsupportedWire('streamed Redis strings are not carried');
  const end = from + length + 2;
  if (bytes.length < end) return undefined;
  return { end, value: bytes.toString(encoding, from, from + length) };
}

function elements(
  bytes: Buffer,
  from: number,
  count: number,
  depth: number,
  encoding: BufferEncoding,
): Frame | undefined {
  if (count < 0) return { end: from, value: null };
  if (!Number.isInteger(count) || count > elementsMax) {
    throw new UnsupportedWire('a Redis aggregate of this length is not carried');
  }
  const values: RedisValue[] = [];
  let end = from;
  for (let index = 0; index < count; index++) {
    const element = value(bytes, end, depth + 1, encoding);
    if (element === undefined) return undefined;
    values.push(element.value);
    end = element.end;
  }
  return { end, value: values };
}
