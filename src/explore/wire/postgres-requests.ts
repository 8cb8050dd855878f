import { ExtendedCycle } from './extended-cycle.ts';
import {
  cString,
  messageBytesMax,
  type PostgresUnit,
  simple,
  UnsupportedWire,
} from './postgres-unit.ts';

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

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const directTls = 0x16;

/** The database that a start-up packet names; without one it is called after the user. */
export function databaseOf(startup: Buffer): string {
  const words = startup.toString('utf8', 8).split('\0');
  const named = (name: string): string | undefined => {
    return words.find((_, at) => at % 2 === 1 && words[at - 1] === name);
  };
  return named('database') ?? named('user') ?? '';
}

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
