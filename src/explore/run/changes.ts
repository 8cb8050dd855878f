import type { PostgresControl } from './postgres-control.ts';

/** Of a table with more rows, only those written since a given moment are read. */
const rowsMax = 5_000;

/** The committed rows of every table that can be compared. */
export type Rows = ReadonlyMap<string, TableRows>;

interface TableRows {
  /** Each row by its key, with a hash of the whole row and the keys that somebody chose for it. */
  readonly rows: ReadonlyMap<string, { readonly hash: string; readonly chosen: readonly string[] }>;
  /** How many there are where they are too many: then `rows` are those that are young. */
  readonly many: number | undefined;
}

/** A moment, for `readRows`: what is written from now on is younger. */
export async function moment(postgres: PostgresControl): Promise<string> {
  const [row] = await postgres.query('select txid_current() % 4294967296 as xid');
  return String(row?.xid);
}

/**
 * The rows of all user tables, by primary key; a table without one by the whole row. `chosen` are
 * unique keys that no default fills in: two callers who insert the same one want the same thing. Of a
 * large table only what was written `since`.
 */
export async function readRows(postgres: PostgresControl, since: string): Promise<Rows> {
  const rows = new Map<string, TableRows>();
  for (const { table, primary, uniques } of await tablesOf(postgres)) {
    const key = primary.length === 0 ? 't::text' : keyText(primary);
    const chosen = uniques.map(columns => keyText(columns));
    const text = `
      select ${key} as key, md5(t::text) as hash, array[${chosen.join(', ')}]::text[] as chosen
      from ${table} t`;
    const whole = await postgres.query(`${text} limit ${rowsMax + 1}`);
    const isLarge = whole.length > rowsMax;
    const young = `${text} where age(xmin) <= age('${since}'::xid) limit ${rowsMax}`;
    const found = isLarge ? await postgres.query(young) : whole;
    const [counted] = isLarge ? await postgres.query(`select count(*) as n from ${table}`) : [];
    const known = new Map<string, { hash: string; chosen: string[] }>();
    for (const one of found) {
      const name = String(one.key);
      // equal rows without a key: how many there are is part of the hash
      const before = known.get(name)?.hash ?? '';
      const keys = Array.isArray(one.chosen) ? one.chosen.filter(isText) : [];
      known.set(name, { hash: before + String(one.hash), chosen: keys });
    }
    rows.set(table, { rows: known, many: isLarge ? Number(counted?.n) : undefined });
  }
  return rows;
}

/** What one run wrote: rows that were there before and are changed or gone, and keys that it chose. */
export function written(before: Rows, after: Rows): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [table, { rows, many }] of before) {
    const { rows: now, many: left = 0 } = after.get(table) ?? { rows: new Map() };
    // which rows are gone is not known, so it may be any
    if (many !== undefined && left < many) found.add(`${table} (some row)`);
    if (many !== undefined) for (const key of now.keys()) found.add(`${table} ${key}`);
    for (const [key, { hash }] of rows) {
      if (now.get(key)?.hash !== hash) found.add(`${table} ${key}`);
    }
    for (const [key, { chosen }] of now) {
      if (!rows.has(key)) for (const one of chosen) found.add(`${table} ${one}`);
    }
  }
  return found;
}

/** Moves every sequence well ahead in its direction, each by another distance. */
export async function shiftSequences(postgres: PostgresControl): Promise<void> {
  await postgres.query(`
    select setval(format('%I.%I', schemaname, sequencename),
      greatest(min_value, least(max_value, coalesce(last_value, start_value)
        + increment_by * (211 + 13 * row_number() over (order by schemaname, sequencename)))))
    from pg_sequences where schemaname not like 'explorer\\_%'`);
}

interface Table {
  readonly table: string;
  readonly primary: readonly string[];
  readonly uniques: readonly (readonly string[])[];
}

async function tablesOf(postgres: PostgresControl): Promise<Table[]> {
  const found = await postgres.query(`
    select c.oid::regclass::text as "table", i.indisprimary as "primary",
      array_agg(quote_ident(a.attname) order by k.at) as columns,
      bool_and(not a.atthasdef and a.attidentity = '') as chosen
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_index i on i.indrelid = c.oid and i.indisunique
      and i.indexprs is null and i.indpred is null
    left join unnest(i.indkey) with ordinality k (attnum, at) on k.at <= i.indnkeyatts
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not like 'pg\\_%'
      and n.nspname <> 'information_schema' and n.nspname not like 'explorer\\_%'
    group by c.oid, i.indexrelid, i.indisprimary order by 1, 2`);
  const tables = new Map<string, { primary: string[]; uniques: string[][] }>();
  for (const one of found) {
    const table = String(one.table);
    const known = tables.get(table) ?? { primary: [], uniques: [] };
    tables.set(table, known);
    const columns = Array.isArray(one.columns) ? one.columns.filter(isText) : [];
    if (one.primary === true) known.primary = columns;
    if (one.primary !== null && one.chosen === true) known.uniques.push(columns);
  }
  return [...tables].map(([table, keys]) => ({ table, ...keys }));
}

/** `id=1 day=2026-01-01` as an expression over one row; null where a column is null. */
function keyText(columns: readonly string[]): string {
  const parts = columns.map(name => `'${name.replaceAll("'", "''")}=' || t.${name}::text`);
  return `(${parts.join(" || ' ' || ")})`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
