import { type SqlToken, sqlTokens } from '../wire/sql-lexer.ts';
import { fromLists } from './look-or-write.ts';

const reachesRows = new Set(
  'select insert update delete merge perform call lock truncate fetch copy table'.split(' '),
);
const repeats = new Set('loop for while foreach'.split(' '));
const ends = new Set('commit rollback'.split(' '));
const separates = new Set('then else elsif begin exception loop'.split(' '));

/**
 * How many statements of a body in PL/pgSQL or SQL reach rows, as far as that is certain: each takes
 * a snapshot of its own where the function is VOLATILE. A loop, a COMMIT inside, or a text that is put
 * together and may be anything, counts as two. `ownFunctions` are those that reach rows.
 */
export function statementsInside(body: string, ownFunctions: ReadonlySet<string>): number {
  let count = 0;
  let reaches = false;
  const close = (): void => {
    if (reaches) count++;
    reaches = false;
  };
  let loops = false;
  const tokens = sqlTokens(body);
  const froms = fromLists(tokens); // `taken := count(*) from booking` is a query, too
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind === 'sign' && value === ';') close();
    if (froms.has(at)) reaches = true;
    if (kind === 'name' || kind === 'word') {
      const called = tokens[at + 1]?.value === '(' && ownFunctions.has(value);
      if (called || (kind === 'word' && reachesRows.has(value))) reaches = true;
    }
    if (kind !== 'word') continue;
    if (value === 'execute') {
      reaches = true;
      if (!isOneStep(tokens.slice(at + 1), ownFunctions)) count++;
    }
    if (ends.has(value) || (isSent(value) && tokens[at + 1]?.value === '(')) count += 2;
    if (repeats.has(value)) loops = true;
    if (separates.has(value)) close();
  }
  close();
  return loops && count > 0 ? count + 1 : count;
}

/** A function of the server that has another session run a statement, which no gate sees. */
export function isSent(name: string): boolean {
  return /^dblink(_exec|_send_query|_open|_fetch)?$/.test(name);
}

/** Words that end the text behind EXECUTE. */
const behindText = new Set('using into loop'.split(' '));
const startsPlain = /^\s*(select|insert|update|delete|merge|values|table|lock|truncate|copy)\b/i;
/** Stands for a quoted value or name in a text that is put together. */
const placeholder = ' a_value ';

/** Whether the text that EXECUTE runs can be read here, and is one plain statement. */
function isOneStep(behind: readonly SqlToken[], ownFunctions: ReadonlySet<string>): boolean {
  const end = behind.findIndex(({ value }) => value === ';' || behindText.has(value));
  const text = textOf(end < 0 ? behind : behind.slice(0, end));
  if (text === undefined || text.includes(';') || !startsPlain.test(text)) return false;
  const tokens = sqlTokens(text);
  return tokens.every(({ value }, at) => {
    const calls = tokens[at + 1]?.value === '(' && tokens[at - 1]?.value !== 'into';
    return !calls || (!ownFunctions.has(value) && value !== placeholder.trim());
  });
}

/** What it runs, or undefined where some part of it is known only when it runs. */
function textOf(tokens: readonly SqlToken[]): string | undefined {
  const [first, open, literal] = tokens;
  if (first?.value === 'format' && open?.value === '(') {
    const isText = literal?.kind === 'string' || literal?.kind === 'dollar';
    if (!isText || /%(\d+\$)?-?\d*s/.test(literal.value)) return undefined;
    return tokens.at(-1)?.value === ')' ? withPlaceholders(literal.value) : undefined;
  }
  let text = '';
  let depth = 0;
  for (const [at, { kind, value }] of tokens.entries()) {
    const quotes = /^quote_(ident|literal|nullable)$/.test(value) && tokens[at + 1]?.value === '(';
    if (depth > 0 && value === ')') depth--;
    else if (depth > 0 && value === '(') depth++;
    else if (depth > 0 || value === '|') continue;
    else if (kind === 'string' || kind === 'dollar') text += value;
    else if (quotes) text += placeholder;
    else if (value === '(' && text.endsWith(placeholder)) depth = 1;
    else return undefined;
  }
  return text;
}

function withPlaceholders(format: string): string {
  return format.replace(/%(\d+\$)?[IL]/g, placeholder);
}
