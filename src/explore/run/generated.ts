import type { PostgresControl } from './postgres-control.ts';

/** A column that the server fills in where nobody gives a value. */
export interface GeneratedColumn {
  readonly table: string;
  readonly column: string;
  /** Of a time nothing is compared; a number or a uuid is compared up to renaming. */
  readonly by: 'time' | 'number';
}

/** A column whose values are those of another. */
export interface Reference {
  readonly table: string;
  readonly column: string;
  readonly to: { readonly table: string; readonly column: string };
}

/** What the catalogue tells about values that nobody chose. */
export interface Generated {
  readonly columns: readonly GeneratedColumn[];
  readonly references: readonly Reference[];
}

const times =
  /\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\b(current_(date|time|timestamp)|localtime(stamp)?)\b/i;
const numbers = /\b(nextval|\w*uuid\w*|random\w*|txid_\w+|pg_current_xact_id\w*|gen_\w+)\s*\(/i;

/** Reads identity columns, defaults that differ from call to call, and foreign keys. */
export async function readGenerated(postgres: PostgresControl): Promise<Generated> {
  const columns: GeneratedColumn[] = [];
  for (const { table, column, identity, filled } of await postgres.query(withDefaults)) {
    const name = { table: String(table), column: String(column) };
    const expression = String(filled ?? '');
    if (identity === true || numbers.test(expression)) columns.push({ ...name, by: 'number' });
    else if (times.test(expression)) columns.push({ ...name, by: 'time' });
  }
  const references = (await postgres.query(foreignKeys)).map(one => ({
    table: String(one.table),
    column: String(one.column),
    to: { table: String(one.to_table), column: String(one.to_column) },
  }));
  return { columns, references };
}

const ours = `n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'pg\\_%' and n.nspname not like 'explorer\\_%'`;

/** A domain may have a default of its own. */
const withDefaults = `
  select format('%I.%I', n.nspname, c.relname) as "table", a.attname as "column",
    a.attidentity <> '' as identity,
    coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault) as filled
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and ${ours}
    and (a.attidentity <> '' or d.adbin is not null or t.typdefault is not null)
  order by 1, a.attnum`;

const foreignKeys = `
  select format('%I.%I', n.nspname, c.relname) as "table", a.attname as "column",
    format('%I.%I', pn.nspname, p.relname) as to_table, pa.attname as to_column
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  cross join lateral unnest(k.conkey, k.confkey) as pair (child, parent)
  join pg_attribute a on a.attrelid = c.oid and a.attnum = pair.child
  join pg_attribute pa on pa.attrelid = p.oid and pa.attnum = pair.parent
  where k.contype = 'f' and ${ours}
  order by 1, 2`;
