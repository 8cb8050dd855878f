/** A Simple Query, a function call, or an extended cycle up to its Sync or Flush. */
export interface PostgresUnit {
  readonly kind: 'unit';
  readonly bytes: Buffer;
  /** The statements that it executes, prepared names resolved; empty for pure metadata. */
  readonly texts: readonly string[];
  /** The statements that it parses, describes or binds, in the extended protocol. */
  readonly prepared: readonly string[];
  /** A portal is opened: what its Execute will read is fixed with that. */
  readonly binds: boolean;
  /** False for Parse, Bind, Describe and Close alone. */
  readonly executes: boolean;
  /** 'ready' ends with ReadyForQuery; a Flush ends after `replies` answers instead. */
  readonly ends: 'ready' | 'flush';
  readonly replies: number;
  /** A pipeline of several Executes, one by one; the Sync comes last. */
  readonly parts?: readonly PostgresUnit[];
  /** A part behind which others of the same message follow: the client waits for them, too. */
  readonly more?: boolean;
  /** The client did not send it, and is not told of its answer. */
  readonly inserted?: true;
  /** How many characters of the client's message stand before this part of it. */
  readonly offsetCharacters?: number;
}

/** The gate cannot carry this client; the message says what to change. */
export class UnsupportedWire extends Error {
  override readonly name = 'UnsupportedWire';
}

export const messageBytesMax = 64 * 1024 * 1024;

/** A message of the simple protocol. */
export function simple(bytes: Buffer, texts: readonly string[]): PostgresUnit {
  return {
    kind: 'unit',
    bytes,
    texts,
    prepared: [],
    binds: false,
    executes: true,
    ends: 'ready',
    replies: 0,
  };
}

/** Reads a null-terminated string of a message. */
export function cString(bytes: Buffer, from: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('utf8', from, end < 0 ? bytes.length : end);
}
