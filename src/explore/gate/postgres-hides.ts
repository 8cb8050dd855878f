import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';
import { isChatter } from './chatter.ts';
import { statementsInside } from './routine-body.ts';
import type { Routines } from './routines.ts';

/**
 * Why one request is more than one step, where it could not be split: others may act between its
 * parts, and no order shows that. Undefined where it is one step.
 */
export function hiddenIn(
  statements: readonly SqlStatement[],
  routines: Routines,
): string | undefined {
  const [statement, another] = statements.filter(one => !isChatter(one));
  if (another !== undefined) return 'several statements in one message';
  if (statement === undefined) return undefined;
  const { tokens } = statement;
  const first = leadingWords(tokens, 1);
  if (first === 'do') return doesSeveral(statement) ? 'a DO block' : undefined;
  if (first === 'create' || first === 'alter' || first === 'drop') return undefined;
  if (first === 'call' && routines.hidesCall(nameOf(statement)))
    return 'a procedure that may commit';
  const called = routines.calledIn(tokens);
  if (called !== undefined) return `a function of several statements, ${called}`;
  const fired = routines.firedIn(tokens);
  return fired === undefined ? undefined : `a trigger on ${fired} that reads or writes`;
}

function doesSeveral({ tokens }: SqlStatement): boolean {
  const body = tokens.find(({ kind }) => kind === 'dollar' || kind === 'string');
  return body === undefined || statementsInside(body.value, new Set()) > 1;
}

/** `call schema.name(…)`. */
function nameOf({ tokens }: SqlStatement): string {
  const open = tokens.findIndex(({ value }) => value === '(');
  return tokens[open - 1]?.value ?? '';
}
