import type { TransactionStatus } from '../wire/postgres-replies.ts';
import { type PostgresUnit, simple } from '../wire/postgres-unit.ts';
import { leadingWords, type SqlStatement, sqlStatements } from '../wire/sql-split.ts';
import { simpleQuery } from './own-query.ts';
import { endsTransaction, opensTransaction } from './statement-kind.ts';

/** A message of a client that goes to the server part by part, each part a step. */
export interface MessageParts {
  /** The next part, given the session's status after the one before; undefined behind the last. */
  peek(status: TransactionStatus): PostgresUnit | undefined;
  /** The part that was peeked at has been sent. */
  advance(): void;
  /** An error: what the server would skip is dropped. */
  fail(): void;
  /** All that is left, in one. */
  rest(): PostgresUnit | undefined;
}

/** What the server says of a session's encodings. */
export type SessionParameters = ReadonlyMap<string, string>;

/** The parts of a message; undefined where it is one step, or would mean something else in parts. */
export function partsOf(
  unit: PostgresUnit,
  status: TransactionStatus,
  parameters: SessionParameters,
): MessageParts | undefined {
  if (unit.parts !== undefined) return new Pipeline(unit.parts);
  const isSimple = unit.bytes[0] === 0x51;
  const [text = ''] = unit.texts;
  if (!isSimple || !text.includes(';') || ambiguous.test(parameters.get('client_encoding') ?? '')) {
    return undefined;
  }
  const backslashes = parameters.get('standard_conforming_strings') === 'off';
  // Byte by byte: what is cut out is sent as it came, in whatever encoding.
  const bytes = unit.bytes.toString('latin1', 5, unit.bytes.length - 1);
  const statements = sqlStatements(bytes, backslashes);
  return meansTheSame(statements, status) ? new SplitQuery(bytes, statements) : undefined;
}

/** Client encodings in which a byte of a letter may look like a quote or a semicolon. */
const ambiguous = /^(sjis|shift_jis_2004|big5|gbk|uhc|gb18030|johab)$/i;
/** They tell the whole message, or when it came. */
const tellsMessage = new Set(['current_query', 'statement_timestamp', 'pg_stat_activity']);
const plain = new Set('select insert update delete merge values table with set show'.split(' '));

/**
 * Statements in an explicit transaction are the same alone and in one message. Outside, a message is
 * a transaction of its own, and stays whole: so does all that follows a COMMIT up to the next BEGIN.
 */
function meansTheSame(statements: readonly SqlStatement[], status: TransactionStatus): boolean {
  const [first] = statements;
  if (first === undefined || statements.length < 2) return false;
  if (status === 'I' && !opensTransaction(first)) return false;
  if (statements.some(({ tokens }) => tokens.some(({ value }) => tellsMessage.has(value)))) {
    return false;
  }
  // A statement alone behind COMMIT might do what it may not in a transaction (VACUUM).
  const last = statements.at(-1);
  const before = statements.at(-2);
  const alone = before !== undefined && endsTransaction(before) && last !== undefined;
  return !alone || opensTransaction(last) || plain.has(leadingWords(last.tokens, 1));
}

/** A Simple Query of several statements. */
class SplitQuery implements MessageParts {
  readonly #bytes: string;
  readonly #statements: readonly SqlStatement[];
  #at = 0;
  #next = 0;

  constructor(bytes: string, statements: readonly SqlStatement[]) {
    this.#bytes = bytes;
    this.#statements = statements;
  }

  peek(status: TransactionStatus): PostgresUnit | undefined {
    const statement = this.#statements[this.#at];
    if (statement === undefined) return undefined;
    const one = status !== 'I' || opensTransaction(statement);
    this.#next = one ? this.#at + 1 : this.#statements.length;
    return this.#unit(this.#next);
  }

  advance(): void {
    this.#at = this.#next;
  }

  fail(): void {
    this.#at = this.#statements.length;
  }

  rest(): PostgresUnit | undefined {
    return this.#at < this.#statements.length ? this.#unit(this.#statements.length) : undefined;
  }

  #unit(end: number): PostgresUnit {
    const from = this.#statements[this.#at]?.start ?? 0;
    const bytes = Buffer.from(
      this.#bytes.slice(from, this.#statements[end - 1]?.end ?? from),
      'latin1',
    );
    const before = Buffer.from(this.#bytes.slice(0, from), 'latin1').toString();
    return {
      ...simple(simpleQuery(bytes), [bytes.toString()]),
      more: end < this.#statements.length,
      offsetCharacters: [...before].length,
    };
  }
}

/** Several Executes before one Sync: a Flush behind each lets it answer, and ends nothing. */
class Pipeline implements MessageParts {
  #parts: readonly PostgresUnit[];

  constructor(parts: readonly PostgresUnit[]) {
    this.#parts = parts;
  }

  peek(): PostgresUnit | undefined {
    return this.#parts[0];
  }

  advance(): void {
    this.#parts = this.#parts.slice(1);
  }

  /** The server skips to Sync, which it has to be sent. */
  fail(): void {
    this.#parts = this.#parts.filter(part => part.ends === 'ready');
  }

  rest(): PostgresUnit | undefined {
    const last = this.#parts.at(-1);
    if (last === undefined) return undefined;
    return {
      ...last,
      bytes: Buffer.concat(this.#parts.map(part => part.bytes)),
      texts: this.#parts.flatMap(part => part.texts),
      executes: true,
      replies: this.#parts.reduce((sum, part) => sum + part.replies, 0),
    };
  }
}
