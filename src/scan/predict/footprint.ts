import { redisKeys } from '../../explore/gate/redis-command.ts';
import type { RecordedStatement } from '../record/recording.ts';
import { loadParser, statementsOf } from '../sql/parse.ts';
import { type Access, understood } from './access.ts';
import type { Catalogue, TableFacts } from './catalogue.ts';
import { isTree } from './tree.ts';

/** An access to a table that is known, and when. */
export interface Touch extends Omit<Access, 'schema' | 'table' | 'cte'> {
  readonly table: TableFacts;
  readonly transaction: number | null;
  /** Its place among the statements. */
  readonly at: number;
  /** Rows that its statement told of or changed; undefined where that is not known. */
  readonly count: number | undefined;
}

/** What one request did when it ran alone. */
export interface Footprint {
  readonly touches: readonly Touch[];
  readonly keys: readonly { readonly key: string; readonly writes: boolean }[];
  /** Places of statements that end a transaction, or give back some of its locks. */
  readonly partial: boolean;
}

/** What is not understood, in words. */
export interface Unclear {
  readonly unclear: string;
}

/** Reads what a request sent. Whatever is not understood makes the whole unclear. */
export async function footprintOf(
  statements: readonly RecordedStatement[],
  catalogue: Catalogue,
): Promise<Footprint | Unclear> {
  await loadParser();
  const touches: Touch[] = [];
  const keys: { key: string; writes: boolean }[] = [];
  let partial = false;
  for (const [at, statement] of statements.entries()) {
    if (statement.result.startsWith('error') || statement.result === 'not run')
      return { unclear: `a statement ended in ${statement.result}` };
    if (statement.store === 'redis') {
      const used = keysOf(statement);
      if ('unclear' in used) return used;
      keys.push(...used.keys);
      continue;
    }
    const trees = statementsOf(statement.text);
    if (trees === undefined) return { unclear: `the parser does not know: ${statement.text}` };
    for (const { node: tree } of trees) {
      if (!isTree(tree)) return { unclear: `the parser does not know: ${statement.text}` };
      const is = understood(tree, statement.values, catalogue.routines);
      if ('unknown' in is) return { unclear: is.unknown };
      partial ||= is.control === 'partial';
      for (const access of is.accesses) {
        const found = touched(access, catalogue);
        if ('unclear' in found) return found;
        const count = trees.length === 1 ? countOf(statement.result) : undefined;
        const { transaction } = statement;
        touches.push(...found.touches.map(one => ({ ...one, transaction, at, count })));
      }
    }
  }
  return { touches, keys, partial };
}

type Placed = Omit<Touch, 'transaction' | 'at' | 'count'>;

/** The table itself, and those that its foreign keys make the server look at or change. */
function touched(
  { schema, table, cte = false, ...named }: Access,
  catalogue: Catalogue,
): { readonly touches: readonly Placed[] } | Unclear {
  const facts = catalogue.find(schema, table);
  if (cte && !catalogue.has(table)) return { touches: [] };
  if (facts === 'of the server') {
    return named.does === 'reads' ? { touches: [] } : { unclear: `a write to ${table}` };
  }
  if (facts === undefined) return { unclear: `no table is certain to be meant by ${table}` };
  if (facts.strange !== undefined) return { unclear: `${facts.name} ${facts.strange}` };
  const enters = named.does === 'inserts' || named.does === 'updates';
  const sets = new Set([...named.sets, ...(enters ? facts.generated : [])]);
  const access = { ...named, sets };
  const touches: Placed[] = [{ ...access, table: facts }];
  if (enters) {
    for (const key of facts.foreignKeys) {
      const sets = key.columns.some(column => access.sets.has(column) || access.sets.has('*'));
      const parent = catalogue.named(key.parent);
      if (!sets) continue;
      if (parent === undefined || parent.strange !== undefined)
        return { unclear: `the parent ${key.parent} of ${facts.name}` };
      const rows = new Map<string, string | null>();
      for (const [at, column] of key.columns.entries()) {
        const value = access.rows.get(column);
        const its = key.parentColumns[at];
        if (value !== undefined && value !== null && its !== undefined) rows.set(its, value);
      }
      touches.push({ table: parent, does: 'reads', rows, sets: new Set() });
    }
  }
  if (access.does !== 'deletes' && access.does !== 'updates') return { touches };
  for (const { child, key } of catalogue.childrenOf(facts.name)) {
    const changes = key.parentColumns.some(one => access.sets.has(one) || access.sets.has('*'));
    if (access.does === 'updates' && !changes) continue;
    if (child.strange !== undefined) return { unclear: `${child.name} ${child.strange}` };
    const does = key.cascades ? 'deletes' : 'reads';
    touches.push({ table: child, does, rows: new Map(), sets: new Set() });
    if (key.cascades) return { unclear: `a change that cascades to ${child.name}` };
  }
  return { touches };
}

/** `SELECT 1`, `UPDATE 2`, `INSERT 0 1`. */
function countOf(result: string): number | undefined {
  const count = /^[A-Z]+(?: 0)? (\d+)$/.exec(result)?.[1];
  return count === undefined ? undefined : Number(count);
}

const quiet = new Set(
  'hello auth ping echo select client info command config readonly quit'.split(' '),
);

function keysOf({ text }: RecordedStatement): Pick<Footprint, 'keys'> | Unclear {
  const words: unknown = JSON.parse(text);
  const command = Array.isArray(words) ? words.map(String) : [];
  const name = command[0]?.toLowerCase() ?? '';
  if (quiet.has(name)) return { keys: [] };
  const used = redisKeys(command);
  if (used === undefined) return { unclear: `the Redis command ${name.toUpperCase()}` };
  return { keys: used.keys.map(key => ({ key, writes: used.use === 'writes' })) };
}
