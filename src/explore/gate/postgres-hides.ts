import type { SqlToken } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';
import { isChatter } from './chatter.ts';
import { isSent } from './routine-body.ts';
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
  const first = leadingWords(statement.tokens, 1);
  const block = first === 'do' ? routines.blockOf(statement.tokens) : undefined;
  if (first === 'do' && block === undefined) return 'a DO block';
  const tokens = block ?? statement.tokens;
  if (first === 'create' || first === 'alter' || first === 'drop') return undefined;
  if (first === 'call' && routines.hidesCall(nameOf(statement)))
    return 'a procedure that may commit';
  const sends = tokens.find(({ value }, at) => isSent(value) && tokens[at + 1]?.value === '(');
  if (sends !== undefined) return `what another session does for it, by ${sends.value}`;
  if (routines.unnamed !== undefined) {
    return `what an operator or a cast may run, ${routines.unnamed}`;
  }
  const called = routines.calledIn(tokens);
  if (called !== undefined) return `a function of several statements, ${called}`;
  const again = routines.calledAgainIn(tokens);
  if (again !== undefined) return `a function that looks for itself, ${again}`;
  const calling = routines.callingIn(tokens);
  if (calling !== undefined) return `functions that look, which ${calling} calls`;
  const looks = routines.looksOf(tokens);
  if (looks > 1 ? triesRows(tokens) : looks > 0 && triesKey(tokens)) {
    return 'a look, and a lock that is only tried';
  }
  const made = routines.madeIn(tokens);
  if (made !== undefined) return `a write that looks, to ${made}, which callers made`;
  const fired = routines.firedIn(tokens);
  return fired === undefined ? undefined : `what a write to ${fired} runs (a trigger, a rule)`;
}

/**
 * A snapshot is older than the lock that its statement takes: who waits for the lock is seen to wait, but
 * whoever tries it may get it behind a commit that the look did not see. A lock on rows looks at them
 * again, and at no others.
 */
function triesRows(tokens: readonly SqlToken[]): boolean {
  const words = tokens.map(({ kind, value }) => (kind === 'word' ? value : '?'));
  return /\bnowait\b|\bskip locked\b/.test(words.join(' ')) || triesKey(tokens);
}

function triesKey(tokens: readonly SqlToken[]): boolean {
  return tokens.some(({ value }) => value.startsWith('pg_try_advisory_'));
}

/** `call schema.name(…)`. */
function nameOf({ tokens }: SqlStatement): string {
  const open = tokens.findIndex(({ value }) => value === '(');
  return tokens[open - 1]?.value ?? '';
}
