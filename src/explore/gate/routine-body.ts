import { sqlTokens } from '../wire/sql-lexer.ts';

const reachesRows = new Set(
  'select insert update delete merge perform execute call lock truncate fetch copy table'.split(
    ' ',
  ),
);
const repeats = new Set('loop for while foreach'.split(' '));
const ends = new Set('commit rollback'.split(' '));
const separates = new Set('then else elsif begin exception loop'.split(' '));

/**
 * How many statements of a body in PL/pgSQL or SQL reach rows, as far as that is certain: each takes
 * a snapshot of its own where the function is VOLATILE. A loop, or a COMMIT inside, counts as two.
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
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind === 'sign' && value === ';') close();
    if (kind === 'name' || kind === 'word') {
      const called = tokens[at + 1]?.value === '(' && ownFunctions.has(value);
      if (called || (kind === 'word' && reachesRows.has(value))) reaches = true;
    }
    if (kind !== 'word') continue;
    if (ends.has(value)) count += 2;
    if (repeats.has(value)) loops = true;
    if (separates.has(value)) close();
  }
  close();
  return loops && count > 0 ? count + 1 : count;
}
