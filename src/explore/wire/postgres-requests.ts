/**
 * Frames what a Postgres client sends. Pure: bytes in, requests out; no sockets.
 * Source: PostgreSQL documentation, "Frontend/Backend Protocol", message formats and flow.
 */

/** One thing a client sent that the gate decides about as a whole. */
export type PostgresRequest =
  | { readonly kind: 'startup'; readonly bytes: Buffer }
  | { readonly kind: 'encryption' }
  | { readonly kind: 'cancel'; readonly bytes: Buffer }
  | { readonly kind: 'password'; readonly bytes: Buffer }
  | { readonly kind: 'copy data'; readonly bytes: Buffer }
  | { readonly kind: 'terminate'; readonly bytes: Buffer }
  | PostgresUnit;

/** A Simple Query, a function call, or an extended cycle up to its Sync or Flush. */
export interface PostgresUnit {
  readonly kind: 'unit';
  readonly bytes: Buffer;
  /** The statements that it executes, prepared names resolved; empty for pure metadata. */
  readonly texts: readonly string[];
  /** False for Parse, Describe and Close alone: nothing takes effect. */
  readonly executes: boolean;
  /** 'ready' ends with ReadyForQuery; a Flush ends after `replies` answers instead. */
  readonly ends: 'ready' | 'flush';
  readonly replies: number;
}

/** The gate cannot carry this client; the message says what to change. */
export class UnsupportedWire extends Error {
  override readonly name = 'UnsupportedWire';
}

export const messageBytesMax = 64 * 1024 * 1024;

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const directTls = 0x16;

export class PostgresRequests {
  #pending: Buffer = Buffer.alloc(0);
  #started = false;
  readonly #cycle = new ExtendedCycle();

  /** Takes the next bytes and returns every request that they complete. */
  push(chunk: Buffer): PostgresRequest[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const requests: PostgresRequest[] = [];
    for (;;) {
      const request = this.#started ? this.#typed() : this.#untyped();
      if (request === 'incomplete') return requests;
      if (request !== 'partial') requests.push(request);
    }
  }

  #untyped(): PostgresRequest | 'incomplete' {
    if (this.#pending[0] === directTls) {
      throw new UnsupportedWire(
        'the client opened TLS at once; a gate speaks plain text: connect with sslmode=disable',
      );
    }
    if (this.#pending.length < 8) return 'incomplete';
    const bytes = this.#take(this.#pending.readInt32BE(0), 8);
    if (bytes === undefined) return 'incomplete';
    const code = bytes.readInt32BE(4);
    if (code === sslRequest || code === gssRequest) return { kind: 'encryption' };
    if (code === cancelRequest) return { kind: 'cancel', bytes };
    if (code >>> 16 !== 3) throw new UnsupportedWire(`not a Postgres 3.x start-up packet: ${code}`);
    this.#started = true;
    return { kind: 'startup', bytes };
  }

  #typed(): PostgresRequest | 'incomplete' | 'partial' {
    if (this.#pending.length < 5) return 'incomplete';
    const type = String.fromCharCode(this.#pending[0] ?? 0);
    const bytes = this.#take(this.#pending.readInt32BE(1) + 1, 5);
    if (bytes === undefined) return 'incomplete';
    switch (type) {
      case 'p':
        return { kind: 'password', bytes };
      case 'X':
        return { kind: 'terminate', bytes };
      case 'd':
      case 'c':
      case 'f':
        return { kind: 'copy data', bytes };
      case 'Q':
        return simple(bytes, [cString(bytes, 5)]);
      case 'F':
        return simple(bytes, [`function ${bytes.readInt32BE(5)}`]);
      default:
        return this.#cycle.add(type, bytes) ?? 'partial';
    }
  }

  #take(length: number, least: number): Buffer | undefined {
    if (length < least || length > messageBytesMax) {
      throw new UnsupportedWire(
        `a Postgres message of ${length} bytes is outside what a gate holds`,
      );
    }
    if (this.#pending.length < length) return undefined;
    const bytes = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return bytes;
  }
}

/** Collects Parse … Sync, and knows which text a prepared name or a portal stands for. */
class ExtendedCycle {
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #messages: Buffer[] = [];
  #texts: string[] = [];
  #replies = 0;
  #executes = false;

  add(type: string, bytes: Buffer): PostgresUnit | undefined {
    this.#messages.push(bytes);
    const name = cString(bytes, 5);
    if (type === 'P') this.#statements.set(name, cString(bytes, 6 + Buffer.byteLength(name)));
    else if (type === 'B') {
      const statement = cString(bytes, 6 + Buffer.byteLength(name));
      this.#portals.set(name, this.#statements.get(statement) ?? `prepared ${statement}`);
    } else if (type === 'E') {
      this.#texts.push(this.#portals.get(name) ?? `portal ${name}`);
      this.#executes = true;
    } else if (type === 'S' || type === 'H') return this.#end(type);
    else if (type !== 'D' && type !== 'C') {
      throw new UnsupportedWire(`a Postgres client sent a message of unknown type '${type}'`);
    }
    // Describe of a statement is answered twice: parameters, then row description.
    this.#replies += type === 'D' && bytes[5] === 0x53 ? 2 : 1;
    return undefined;
  }

  #end(type: 'S' | 'H'): PostgresUnit {
    const unit: PostgresUnit = {
      kind: 'unit',
      bytes: Buffer.concat(this.#messages),
      texts: this.#texts,
      executes: this.#executes,
      ends: type === 'S' ? 'ready' : 'flush',
      replies: this.#replies,
    };
    this.#messages = [];
    this.#texts = [];
    this.#replies = 0;
    this.#executes = false;
    return unit;
  }
}

function simple(bytes: Buffer, texts: readonly string[]): PostgresUnit {
  return { kind: 'unit', bytes, texts, executes: true, ends: 'ready', replies: 0 };
}

/** Reads a null-terminated string of a message. */
export function cString(bytes: Buffer, from: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('utf8', from, end < 0 ? bytes.length : end);
}
