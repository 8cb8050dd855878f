import type { PostgresControl } from './postgres-control.ts';

/**
 * Where triggers cannot be silenced, what would act while rows are deleted and inserted: triggers
 * and rules of users, policies that the owner is held to, and foreign keys that nobody has checked.
 */
const others = `
  select exists (
    select from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and t.tgenabled <> 'D' and c.relkind in ('r', 'p'))
  or exists (
    select from pg_rewrite r join pg_class c on c.oid = r.ev_class
    where c.relkind in ('r', 'p') and r.ev_enabled <> 'D' and c.oid >= 16384)
  or exists (select from pg_class where relrowsecurity and relforcerowsecurity)
  or exists (select from pg_constraint where contype = 'f' and not convalidated) as any`;

/** Of one table to another; one that refers to itself is checked at the end of its statement. */
const references = `
  select conrelid as child, confrelid as parent from pg_constraint
  where contype = 'f' and conrelid <> confrelid`;

/**
 * These tables with those first that others refer to: so they can be filled, and emptied in the
 * opposite order, with their foreign keys in force. Undefined where no such order would do, or where
 * something else acts on it.
 */
export async function parentsFirst<T extends Readonly<Record<string, unknown>>>(
  postgres: PostgresControl,
  tables: readonly T[],
): Promise<readonly T[] | undefined> {
  const [acts] = await postgres.query(others);
  if (acts?.any === true) return undefined;
  const waiting = new Map(tables.map(table => [String(table.oid), table]));
  const edges = (await postgres.query(references)).map(({ child, parent }) => ({
    child: String(child),
    parent: String(parent),
  }));
  const ordered: T[] = [];
  while (waiting.size > 0) {
    const free = [...waiting].filter(([oid]) => {
      return !edges.some(({ child, parent }) => child === oid && waiting.has(parent));
    });
    if (free.length === 0) return undefined; // they refer to each other
    for (const [oid, table] of free) {
      waiting.delete(oid);
      ordered.push(table);
    }
  }
  return ordered;
}
