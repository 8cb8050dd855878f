import type { PostgresMessage } from '../wire/postgres-replies.ts';
import { dataRow } from '../wire/postgres-replies.ts';

const zero = Buffer.from([0]);
const own = 'explorer\0';

/** A query of the gate's own on a client's backend, and its answer as far as it has come. */
export class OwnQuery {
  /** Every row as text; undefined where something failed or the server is gone. */
  readonly rows: Promise<readonly (readonly string[])[] | undefined>;
  #resolve: (rows: readonly (readonly string[])[] | undefined) => void = () => undefined;
  readonly #rows: string[][] = [];
  #failed = false;

  constructor() {
    this.rows = new Promise(resolve => {
      this.#resolve = resolve;
    });
  }

  add(message: PostgresMessage): void {
    if (message.type === 'E') this.#failed = true;
    else if (message.type === 'D') {
      this.#rows.push(dataRow(message).map(value => value?.toString() ?? ''));
    } else if (message.type === 'Z') this.#resolve(this.#failed ? undefined : this.#rows);
  }

  /** The server is gone. */
  end(): void {
    this.#resolve(undefined);
  }
}

/** A Simple Query. */
export function simpleQuery(text: string | Buffer): Buffer {
  return framed('Q', text, zero);
}

/** A statement that does nothing; the server sends everything else that it had to send first. */
export const emptyQuery = ownQueries(['']);
/**
 * Statements under a name of their own: a Simple Query, or the unnamed one, would take from the
 * client what it has prepared without a name.
 */
export function ownQueries(statements: readonly string[]): Buffer {
  const cycles = statements.map(text => [
    framed('P', own, text, zero, Buffer.alloc(2)),
    framed('B', own, own, Buffer.alloc(6)),
    framed('E', own, Buffer.alloc(4)),
    framed('C', 'P', own),
    framed('C', 'S', own),
  ]);
  return Buffer.concat([...cycles.flat(), framed('S')]);
}

function framed(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(part => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
