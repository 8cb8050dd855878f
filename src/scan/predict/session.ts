import { loadParser, statementsOf } from '../sql/parse.ts';
import { settings } from './access.ts';
import type { Unclear } from './footprint.ts';
import { nodeOf, type Tree } from './tree.ts';

/** They change what other, or later, connections begin with. */
const alters = ['AlterRoleSetStmt', 'AlterDatabaseSetStmt', 'AlterSystemStmt', 'DoStmt'];

/**
 * Why connections that were opened with these statements may not be as the catalogue tells: another
 * isolation level, or waits with a limit.
 */
export async function changedBy(texts: readonly string[]): Promise<Unclear | undefined> {
  await loadParser();
  for (const text of texts) {
    if (!/\bset/i.test(text)) continue;
    const trees = statementsOf(text);
    if (trees === undefined) return { unclear: `the parser does not know: ${text}` };
    for (const one of trees) {
      const why = changed({ ...one.node }, one.text);
      if (why !== undefined) return { unclear: `${why}, before the request came` };
    }
  }
  return undefined;
}

function changed(tree: Tree, text: string): string | undefined {
  const set = nodeOf(tree, 'VariableSetStmt');
  if (set !== undefined) {
    const back = /^VAR_(RESET|SET_DEFAULT)/.test(String(set.kind)); // start-up values are told, too
    const is = back ? undefined : settings(set);
    return is !== undefined && 'unknown' in is ? is.unknown : undefined;
  }
  const alter = alters.find(kind => nodeOf(tree, kind) !== undefined);
  if (alter !== undefined) return `a ${alter.replace(/Stmt$/, '')} statement`;
  return /\bset_config\b/i.test(text) ? 'set_config' : undefined;
}
