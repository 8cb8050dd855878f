import pg from 'pg';

/** A foreign key of a table. */
export interface ForeignKey {
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  /** What happens to the child when the parent's row goes or changes is not "nothing". */
  readonly cascades: boolean;
}

/** What may happen beside a statement that touches a table. */
export interface TableFacts {
  /** `public.slot`. */
  readonly name: string;
  /**
   * Types of its columns, by their names: of those by whose values rows can be told apart. A generated
   * one changes with others, and to some collations unlike texts are equal.
   */
  readonly types: ReadonlyMap<string, string>;
  /** Columns that any change of a row may change. */
  readonly generated: readonly string[];
  /** Why nothing can be said of it: a view, a trigger, a policy. */
  readonly strange: string | undefined;
  /** Columns of each unique index; null for one with an expression or a condition. */
  readonly unique: readonly (readonly string[] | null)[];
  readonly foreignKeys: readonly ForeignKey[];
}

const tablesText = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
    c.relrowsecurity as policies, c.relispartition as part,
    exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
    exists (select from pg_rewrite r where r.ev_class = c.oid and c.relkind <> 'v') as rules,
    exists (select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)) as inherits,
    exists (select from pg_constraint e where e.conrelid = c.oid and e.contype = 'x') as excludes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'pg_toast%'`;

const columnsText = `
  select a.attrelid as oid, a.attname as name, t.typname as type, t.typtype as sort,
    a.attgenerated <> '' as generated, coalesce(c.collisdeterministic, true) as exact
  from pg_attribute a join pg_type t on t.oid = a.atttypid
    left join pg_collation c on c.oid = a.attcollation
  where a.attnum > 0 and not a.attisdropped`;

const uniqueText = `
  select i.indrelid as oid, i.indpred is null and i.indexprs is null
      and not exists (select from unnest(i.indcollation) k join pg_collation c on c.oid = k
        where not c.collisdeterministic) as plain,
    array(select a.attname::text from unnest(i.indkey) k join pg_attribute a
      on a.attrelid = i.indrelid and a.attnum = k) as columns
  from pg_index i where i.indisunique`;

const foreignText = `
  select f.conrelid as oid, f.confrelid as parent,
    array(select a.attname::text from unnest(f.conkey) with ordinality k(n, o) join pg_attribute a
      on a.attrelid = f.conrelid and a.attnum = k.n order by k.o) as columns,
    array(select a.attname::text from unnest(f.confkey) with ordinality k(n, o) join pg_attribute a
      on a.attrelid = f.confrelid and a.attnum = k.n order by k.o) as "parentColumns",
    f.confdeltype not in ('a', 'r') or f.confupdtype not in ('a', 'r') as cascades
  from pg_constraint f where f.contype = 'f'`;

const routinesText = `
  select distinct p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema')`;

type Row = Readonly<Record<string, unknown>>;

/** What a database says of its tables. */
export class Catalogue {
  readonly #tables: ReadonlyMap<string, TableFacts>;
  readonly #byName: ReadonlyMap<string, readonly TableFacts[]>;
  /** Names that users gave to functions and procedures. */
  readonly routines: ReadonlySet<string>;
  /** Transactions that say nothing are READ COMMITTED. */
  readonly readCommitted: boolean;

  /** Nobody who waits for a lock is sent away after a time. */
  readonly waitsWithoutLimit: boolean;

  private constructor(
    tables: readonly TableFacts[],
    routines: ReadonlySet<string>,
    settings: ReadonlyMap<string, string>,
  ) {
    this.#tables = new Map(tables.map(one => [one.name, one]));
    const byName = new Map<string, TableFacts[]>();
    for (const one of tables) {
      const name = one.name.slice(one.name.indexOf('.') + 1);
      byName.set(name, [...(byName.get(name) ?? []), one]);
    }
    this.#byName = byName;
    this.routines = routines;
    this.readCommitted = settings.get('default_transaction_isolation') === 'read committed';
    const limits = ['lock_timeout', 'statement_timeout', 'transaction_timeout'];
    this.waitsWithoutLimit = limits.every(name => (settings.get(name) ?? '0') === '0');
  }

  /** Reads a database of ours, and leaves it: it is a template. */
  static async of(serverUrl: string, database: string): Promise<Catalogue> {
    const url = new URL(serverUrl);
    url.pathname = `/${database}`;
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => undefined); // the query tells
    await client.connect();
    try {
      const rows = async (text: string): Promise<readonly Row[]> =>
        (await client.query<Record<string, unknown>>(text)).rows;
      const settings = await rows('select name, setting from pg_settings');
      const routines = await rows(routinesText);
      const facts = factsOf(
        await rows(tablesText),
        await rows(columnsText),
        await rows(uniqueText),
        await rows(foreignText),
      );
      return new Catalogue(
        facts,
        new Set(routines.map(({ name }) => String(name))),
        new Map(settings.map(({ name, setting }) => [String(name), String(setting)])),
      );
    } finally {
      await client.end();
    }
  }

  /** A table as a statement names it; undefined where that is not certain. */
  find(schema: string | undefined, table: string): TableFacts | 'of the server' | undefined {
    if (schema === 'pg_catalog' || schema === 'information_schema') return 'of the server';
    if (schema !== undefined) return this.#tables.get(`${schema}.${table}`);
    const found = this.#byName.get(table) ?? [];
    if (found.length === 0 && table.startsWith('pg_')) return 'of the server';
    return found.length === 1 ? found[0] : undefined;
  }

  /** Some schema has a table of this name. */
  has(table: string): boolean {
    return this.#byName.has(table);
  }

  named(name: string): TableFacts | undefined {
    return this.#tables.get(name);
  }

  /** Tables whose rows hang on those of this one. */
  childrenOf(name: string): readonly { readonly child: TableFacts; readonly key: ForeignKey }[] {
    return [...this.#tables.values()].flatMap(child =>
      child.foreignKeys.filter(key => key.parent === name).map(key => ({ child, key })),
    );
  }
}

function factsOf(
  tables: readonly Row[],
  columns: readonly Row[],
  unique: readonly Row[],
  foreign: readonly Row[],
): TableFacts[] {
  const nameOf = new Map(tables.map(one => [one.oid, `${one.schema}.${one.name}`]));
  return tables.map(table => {
    const own = (rows: readonly Row[]): readonly Row[] =>
      rows.filter(({ oid }) => oid === table.oid);
    const domain = own(columns).some(({ sort }) => sort === 'd');
    return {
      name: `${table.schema}.${table.name}`,
      types: new Map(
        own(columns)
          .filter(({ generated, exact }) => generated !== true && exact === true)
          .map(({ name, type }) => [String(name), String(type)]),
      ),
      generated: own(columns)
        .filter(({ generated }) => generated === true)
        .map(({ name }) => String(name)),
      strange: strangeOf(table, domain),
      unique: own(unique).map(one => (one.plain === true ? textsOf(one.columns) : null)),
      foreignKeys: own(foreign).map(one => ({
        columns: textsOf(one.columns),
        parent: nameOf.get(one.parent) ?? '?',
        parentColumns: textsOf(one.parentColumns),
        cascades: one.cascades === true,
      })),
    };
  });
}

function strangeOf(table: Row, domain: boolean): string | undefined {
  if (table.kind !== 'r') return 'is no plain table';
  if (table.policies === true) return 'has row policies';
  if (table.triggers === true) return 'has triggers';
  if (table.rules === true) return 'has rules';
  if (table.part === true || table.inherits === true) return 'inherits';
  if (table.excludes === true) return 'has an exclusion constraint';
  return domain ? 'has a column of a domain' : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
