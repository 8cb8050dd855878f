import { loadModule, parseSync } from 'libpg-query';
import { isTree, listOf, type Tree } from '../predict/tree.ts';

/** Longer texts are not read: they are data, as a rule. */
const charactersMax = 100_000;

/** The statements of a text, as Postgres' own parser reads them; undefined where it does not. */
export async function parsed(text: string): Promise<readonly Tree[] | undefined> {
  if (text.length > charactersMax) return undefined;
  await loadModule();
  try {
    const result: unknown = parseSync(text);
    const statements = isTree(result) ? listOf(result.stmts) : [];
    return statements.flatMap(one => (isTree(one) && isTree(one.stmt) ? [one.stmt] : []));
  } catch {
    return undefined;
  }
}
