import type { SqlToken } from '../wire/sql-lexer.ts';

/** Functions in whose arguments FROM is a mere separator. */
const separated = new Set('extract substring trim overlay'.split(' '));

/** Where a FROM begins a list of what is looked at: not `delete from`, nor `is distinct from`. */
export function fromLists(tokens: readonly SqlToken[]): ReadonlySet<number> {
  const found = new Set<number>();
  /** For each open parenthesis whether one of those functions is called. */
  const around: boolean[] = [];
  for (const [at, { kind, value }] of tokens.entries()) {
    const before = tokens[at - 1]?.value ?? '';
    if (kind === 'sign' && value === '(') around.push(separated.has(before));
    else if (kind === 'sign' && value === ')') around.pop();
    if (kind !== 'word' || value !== 'from' || around.at(-1) === true) continue;
    if (before !== 'delete' && before !== 'distinct') found.add(at);
  }
  return found;
}

const writes = new Set('insert update delete merge copy truncate'.split(' '));

/** Whether a statement begins to write here: not `for update`. */
export function isWrite({ kind, value }: SqlToken, at: number, all: readonly SqlToken[]): boolean {
  const locks = value === 'update' && /^(for|key)$/.test(all[at - 1]?.value ?? '');
  return kind === 'word' && writes.has(value) && !locks;
}

/** Two words, and a third before ONLY. */
export function wordsBefore(tokens: readonly SqlToken[], at: number): string {
  const from = tokens[at - 1]?.value === 'only' ? at - 3 : at - 2;
  return tokens
    .slice(Math.max(0, from), at)
    .map(({ value }) => value)
    .join(' ');
}
