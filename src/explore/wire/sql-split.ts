import { type SqlToken, sqlTokens } from './sql-lexer.ts';

/** One statement of a text. */
export interface SqlStatement {
  /** As it was written, without the semicolon and the blanks and comments around it. */
  readonly text: string;
  readonly tokens: readonly SqlToken[];
  /** Where it starts and ends in the whole text, in characters. */
  readonly start: number;
  readonly end: number;
}

/**
 * Splits a text into its statements at the semicolons at which the server's grammar does: not in
 * parentheses (`create rule … do (a; b)`), and not in the body of a function in standard SQL
 * (`begin atomic a; b; end`). Empty statements are left out.
 */
export function sqlStatements(text: string, backslashes = false): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let tokens: SqlToken[] = [];
  let parentheses = 0;
  let blocks = 0;
  const end = (): void => {
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first !== undefined && last !== undefined) {
      const { start } = first;
      statements.push({ text: text.slice(start, last.end), tokens, start, end: last.end });
    }
    tokens = [];
    parentheses = 0;
    blocks = 0;
  };
  for (const token of sqlTokens(text, backslashes)) {
    if (token.kind === 'sign') {
      if (token.value === '(') parentheses++;
      else if (token.value === ')') parentheses = Math.max(0, parentheses - 1);
      else if (token.value === ';' && parentheses === 0 && blocks === 0) {
        end();
        continue;
      }
    } else if (token.kind === 'word' && definesRoutine(tokens)) {
      if (token.value === 'begin' || (token.value === 'case' && blocks > 0)) blocks++;
      else if (token.value === 'end' && blocks > 0) blocks--;
    }
    tokens.push(token);
  }
  end();
  return statements;
}

/** `create [or replace] function` or `procedure`: only there a BEGIN opens a body. */
function definesRoutine(tokens: readonly SqlToken[]): boolean {
  const [create, ...rest] = tokens.slice(0, 4).map(({ value }) => value);
  return create === 'create' && rest.some(word => word === 'function' || word === 'procedure');
}

/** The words at a statement's beginning, in lower case: `start transaction`, `commit prepared`. */
export function leadingWords(tokens: readonly SqlToken[], count: number): string {
  const words: string[] = [];
  for (const { kind, value } of tokens.slice(0, count)) {
    if (kind !== 'word') break;
    words.push(value);
  }
  return words.join(' ');
}
