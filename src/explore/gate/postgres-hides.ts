import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';

/**
 * Why one request is more than one step, where it could not be split: others may act between its
 * parts, and no order shows that. Undefined where it is one step.
 */
export function hiddenIn(statements: readonly SqlStatement[]): string | undefined {
  if (statements.length > 1) return 'several statements in one message';
  const [statement] = statements;
  if (statement === undefined) return undefined;
  const first = leadingWords(statement.tokens, 1);
  if (first === 'do') return 'a DO block';
  return first === 'call' ? 'a procedure that may commit' : undefined;
}
