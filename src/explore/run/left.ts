import { shadow } from './baseline.ts';
import type { PostgresControl } from './postgres-control.ts';
import type { KeyLeft } from './redis-left.ts';

/** A row's values as texts, in the order of its table's columns. */
export type RowText = readonly (string | null)[];

/** What is different in one table from how every order began. */
export interface TableLeft {
  /** `public.booking`. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly added: readonly RowText[];
  readonly removed: readonly RowText[];
}

/** What one order left behind at the servers. */
export interface Left {
  readonly tables: readonly TableLeft[];
  readonly keys: readonly KeyLeft[];
  /** What cannot be compared, in sentences: then the order is not judged. */
  readonly beyond: readonly string[];
}

/** Rows that differ from the start, all tables together; beyond that an order is not judged. */
const rowsMax = 2_000;

/** Columns that are computed from others of their row say nothing of their own. */
const userTables = `
  select c.oid, format('%I.%I', n.nspname, c.relname) as name,
    array(select a.attname::text from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      order by a.attnum) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
    and n.nspname not like 'explorer\\_%'`;

/**
 * Remembers the rows of every table as texts, so that what an order changed is found by the server
 * itself, whatever the size of the tables. To be called when the setup has run.
 */
export async function rememberStart(postgres: PostgresControl): Promise<void> {
  await postgres.query(`
    drop table if exists ${shadow}.start;
    create table ${shadow}.start as ${userTables}`);
  for (const { oid, name, columns } of await postgres.query(`table ${shadow}.start`)) {
    await postgres.query(`
      create table ${copyOf(oid)} as select ${rowOf(columns)} as row from only ${String(name)}`);
  }
}

/** The rows that are there and were not at the start, and those that are gone, as multisets. */
export async function tablesLeft(
  postgres: PostgresControl,
): Promise<{ readonly tables: readonly TableLeft[]; readonly beyond: readonly string[] }> {
  const found = await postgres.query(`
    select coalesce(now.name, start.name) as name, now.oid as now, start.oid as start,
      now.columns, start.columns as before
    from (${userTables}) as now full join ${shadow}.start as start using (oid) order by 1`);
  const beyond: string[] = [];
  const parts: string[] = [];
  const columnsOf = new Map<string, readonly string[]>();
  for (const one of found) {
    const name = String(one.name);
    if (one.now === null || (one.start !== null && !isSameList(one.columns, one.before))) {
      beyond.push(`the callers alter or drop the table ${name}`);
      continue;
    }
    columnsOf.set(name, textsOf(one.columns));
    parts.push(...differences(name, one));
  }
  if (parts.length === 0) return { tables: [], beyond };
  const rows = await postgres.query(`${parts.join('\nunion all\n')} limit ${rowsMax + 1}`);
  if (rows.length > rowsMax) beyond.push(`more than ${rowsMax} rows are changed`);
  const tables = new Map<string, { added: RowText[]; removed: RowText[] }>();
  for (const { name, added, row } of rows) {
    const known = tables.get(String(name)) ?? { added: [], removed: [] };
    tables.set(String(name), known);
    (added === true ? known.added : known.removed).push(cellsOf(row));
  }
  const left = [...tables].map(([table, changed]) => {
    return { table, columns: columnsOf.get(table) ?? [], ...changed };
  });
  return { tables: left, beyond };
}

function differences(name: string, one: Readonly<Record<string, unknown>>): string[] {
  const now = `select ${rowOf(one.columns)} from only ${name}`;
  const text = name.replaceAll("'", "''");
  const select = (added: boolean, rows: string): string =>
    `select '${text}' as name, ${added} as added, row from (${rows}) as changed (row)`;
  if (one.start === null) return [select(true, now)]; // made by a caller
  const before = `select row from ${copyOf(one.start)}`;
  return [
    select(true, `${now} except all ${before}`),
    select(false, `${before} except all ${now}`),
  ];
}

function copyOf(oid: unknown): string {
  return `${shadow}.start_${String(oid)}`;
}

function rowOf(columns: unknown): string {
  const names = textsOf(columns).map(name => `"${name.replaceAll('"', '""')}"::text`);
  return `array[${names.join(', ')}]::text[]`;
}

function isSameList(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function cellsOf(row: unknown): RowText {
  return Array.isArray(row) ? row.map(cell => (cell === null ? null : String(cell))) : [];
}
