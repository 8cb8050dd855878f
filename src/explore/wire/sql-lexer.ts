/**
 * Reads SQL as PostgreSQL's own scanner does (src/backend/parser/scan.l): what stands in strings,
 * dollar quotes, quoted names and nested comments is never taken for a word of the statement.
 */
export interface SqlToken {
  /** 'word' is an unquoted identifier or keyword; 'name' a quoted one; 'sign' one operator character. */
  readonly kind: 'word' | 'name' | 'string' | 'dollar' | 'number' | 'parameter' | 'sign';
  /** Words in lower case, names and strings without their quotes; the text itself otherwise. */
  readonly value: string;
  /** Where it starts and ends in the text, in characters. */
  readonly start: number;
  readonly end: number;
}

const wordPattern = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const numberPattern =
  /(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y;
const parameterPattern = /\$\d+/y;
const dollarPattern = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const prefixPattern = /(?:[eE]|[nN]|[bB]|[xX]|[uU]&)(?=')/y;
/** What the server takes for white space: a no-break space is a letter to it. */
const spacePattern = /[ \t\n\r\f\v]+/y;

/**
 * The tokens of a text, without white space and comments. What is never closed reaches to the end,
 * as the server would find, too. `backslashes` is for `standard_conforming_strings = off`.
 */
export function sqlTokens(text: string, backslashes = false): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < text.length) {
    const blank = blankEnd(text, at);
    if (blank > at) {
      at = blank;
      continue;
    }
    const token = next(text, at, backslashes);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/** Behind white space or one comment that stands here; `at` itself where none does. */
function blankEnd(text: string, at: number): number {
  const space = matched(spacePattern, text, at);
  if (space !== '') return at + space.length;
  if (text.startsWith('--', at)) {
    const newline = text.slice(at).search(/[\n\r]/);
    return newline < 0 ? text.length : at + newline;
  }
  return text.startsWith('/*', at) ? commentEnd(text, at) : at;
}

/** Comments nest. */
function commentEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('/*', at)) depth++;
    else if (text.startsWith('*/', at)) depth--;
    else continue;
    at++;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function next(text: string, at: number, backslashes: boolean): SqlToken {
  const prefix = matched(prefixPattern, text, at);
  if (prefix !== '' || text[at] === "'") {
    const escapes = /^e$/i.test(prefix) || (backslashes && !/^(u&|b|x)$/i.test(prefix));
    return quoted(text, at, at + prefix.length, 'string', escapes);
  }
  if (text[at] === '"') return quoted(text, at, at, 'name', false);
  if (/^[uU]&"/.test(text.slice(at, at + 3))) return quoted(text, at, at + 2, 'name', false);
  if (text[at] === '$') {
    const parameter = matched(parameterPattern, text, at);
    if (parameter !== '') return token('parameter', parameter, at, at + parameter.length);
    const tag = matched(dollarPattern, text, at);
    if (tag !== '') return dollar(text, at, tag);
  }
  const word = matched(wordPattern, text, at);
  if (word !== '') return token('word', word.toLowerCase(), at, at + word.length);
  const number = matched(numberPattern, text, at);
  if (number !== '') return token('number', number, at, at + number.length);
  return token('sign', text[at] ?? '', at, at + 1);
}

function dollar(text: string, start: number, tag: string): SqlToken {
  const from = start + tag.length;
  const close = text.indexOf(tag, from);
  const to = close < 0 ? text.length : close;
  return token('dollar', text.slice(from, to), start, close < 0 ? to : to + tag.length);
}

/** A quote inside is doubled; with `escapes` a backslash takes the next character, too. */
function quoted(
  text: string,
  start: number,
  open: number,
  kind: 'string' | 'name',
  escapes: boolean,
): SqlToken {
  const quote = text[open] ?? '';
  let value = '';
  for (let at = open + 1; at < text.length; at++) {
    const letter = text[at] ?? '';
    if (escapes && letter === '\\') value += text[++at] ?? '';
    else if (letter !== quote) value += letter;
    else if (text[at + 1] === quote) value += text[at++] ?? '';
    else return token(kind, value, start, at + 1);
  }
  return token(kind, value, start, text.length);
}

function token(kind: SqlToken['kind'], value: string, start: number, end: number): SqlToken {
  return { kind, value, start, end };
}

function matched(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
