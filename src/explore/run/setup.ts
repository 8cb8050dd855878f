import { leadingWords, sqlStatements } from '../wire/sql-split.ts';
import type { PostgresControl } from './postgres-control.ts';
import { withPlace } from './statement-error.ts';

/**
 * "cannot run inside a transaction block" (VACUUM, CREATE INDEX CONCURRENTLY, CREATE DATABASE),
 * "invalid transaction termination" (a procedure that commits), and a new value of an enum that is
 * used beside ALTER TYPE: several statements sent as one text are one transaction.
 */
const needsItsOwn = new Set(['25001', '2D000', '55P04']);

const transactionWords = /^(begin|start transaction|commit|end|rollback|abort|savepoint)\b/;

/**
 * Runs SQL as one text, which is one transaction. Where a statement of it cannot run in one, and
 * where it opens and ends its own, its statements are sent one by one. Errors name the statement.
 */
export async function runSetup(postgres: PostgresControl, text: string): Promise<void> {
  const statements = sqlStatements(text);
  const own = statements.some(({ tokens }) => transactionWords.test(leadingWords(tokens, 2)));
  if (!own) {
    const failed = await errorOf(postgres.query(text));
    if (failed === undefined) return;
    if (statements.length < 2 || !needsItsOwn.has(codeOf(failed))) throw withPlace(failed, text);
  }
  for (const statement of statements) {
    const failed = await errorOf(postgres.query(statement.text));
    if (failed === undefined) continue;
    const placed = withPlace(failed, statement.text);
    const reason = placed instanceof Error ? placed.message : String(placed);
    throw new Error(`${reason}, in: ${shortened(statement.text)}`, { cause: failed });
  }
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error ?? new Error('failed');
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
