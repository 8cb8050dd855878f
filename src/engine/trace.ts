import type { Statement, Tx, Value } from '../contract/index.ts';
import { isFailure } from '../contract/index.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A stretch of a command's time. Never throws, and never holds a value that a caller sent. */
export interface Span {
  child(name: string, attributes?: SpanAttributes): Span;
  note(attributes: SpanAttributes): void;
  /** `failure`: a code of the failure table, or another word. A second call does nothing. */
  end(failure?: string): void;
}

/** Opens the span of a command; `traceparent` is the caller's W3C header, valid or not. */
export interface Tracer {
  command(name: string, traceparent: string | undefined, attributes: SpanAttributes): Span;
}

/** A tracer that sends what it has when it is closed. */
export interface OpenTracer extends Tracer {
  /** Sends what is queued, for at most a second. Never rejects. */
  close(): Promise<void>;
}

/** Where nothing is traced: costs a call. */
export const noSpan: Span = {
  child: () => noSpan,
  note: () => {},
  end: () => {},
};

/** What a span is told of an error: its code, never its message, which may contain values. */
export function failureWord(error: unknown): string {
  if (isFailure(error)) return error.code;
  return error instanceof Error ? error.name : 'error';
}

/** Runs work inside a span of its own. */
export function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  return span === noSpan ? work() : recorded(span, work);
}

async function recorded<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(failureWord(error));
    throw error;
  }
}

/** A transaction whose every statement is a span: its text, which is constant, never its values. */
export function tracedTx(tx: Tx, span: Span): Tx {
  if (span === noSpan) return tx;
  const on = (name: string, table: { readonly name: string }): Span =>
    span.child(`${name} ${table.name}`, {
      'db.system.name': 'postgresql',
      'db.collection.name': table.name,
      'db.operation.name': name,
    });
  return {
    check: look => tx.check(look),
    read: (table, id) => within(on('read', table), () => tx.read(table, id)),
    readAny: (table, where) => within(on('read any', table), () => tx.readAny(table, where)),
    claim: (table, id) => within(on('claim', table), () => tx.claim(table, id)),
    touch: (table, row) => within(on('touch', table), () => tx.touch(table, row)),
    write: (table, row, patch) => within(on('write', table), () => tx.write(table, row, patch)),
    query: <R>(statement: Statement<R>, values: readonly Value[]) =>
      within(
        span.child('statement', {
          'db.system.name': 'postgresql',
          'db.query.text': statement.text.replaceAll(/\s+/g, ' '),
        }),
        () => tx.query(statement, values),
      ),
  };
}
