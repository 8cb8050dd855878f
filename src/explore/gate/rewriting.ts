import type { TransactionStatus } from '../wire/postgres-replies.ts';
import { type PostgresUnit, simple } from '../wire/postgres-unit.ts';
import { simpleQuery } from './own-query.ts';
import { isFree } from './postgres-statement.ts';

/**
 * Says other things to the server than the client did: what a cure would. The gate by itself rewrites
 * nothing (decision 0012); what-if hands it one of these for each connection (decision 0029).
 */
export interface SessionRewriter {
  /** A statement as the server is to get it. */
  text(sql: string): string;
  /** What the server gets before these statements of the client: steps whose answers nobody hears. */
  before(texts: readonly string[], status: TransactionStatus): readonly string[];
  /** What it gets when the caller is done, or hangs up: asked again and again until it is granted. */
  atEnd(status: TransactionStatus, failed: boolean): readonly string[];
}

/** What is said on one connection that its client did not say. */
export class Rewriting {
  /** A statement as the server is to get it; undefined where every one goes as it came. */
  readonly text: ((sql: string) => string) | undefined;
  /** The client has hung up. */
  hangsUp = false;
  readonly #rewriter: SessionRewriter | undefined;
  #over = false;

  constructor(rewriter: SessionRewriter | undefined) {
    this.#rewriter = rewriter;
    this.text = rewriter && (sql => rewriter.text(sql));
  }

  before(unit: PostgresUnit, status: TransactionStatus): readonly PostgresUnit[] {
    if (this.#rewriter === undefined || !unit.executes || isFree(unit, false)) return [];
    return this.#rewriter.before(unit.texts, status).map(inserted);
  }

  /** What comes when the caller is done or hangs up: once for each connection. */
  end(status: TransactionStatus, hangsUp: boolean, failed: boolean): readonly PostgresUnit[] {
    if (this.#rewriter === undefined || this.#over) return [];
    this.hangsUp ||= hangsUp;
    const texts = this.#rewriter.atEnd(status, failed);
    return texts.map(inserted);
  }

  /** The client was cut off: it wants nothing any more. */
  cut(): void {
    this.#over = true;
    this.hangsUp = false;
  }
}

function inserted(text: string): PostgresUnit {
  return { ...simple(simpleQuery(text), [text]), inserted: true };
}
