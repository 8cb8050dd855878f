import pg from 'pg';
import type { SameWorld } from './baseline.ts';
import type { PostgresControl } from './postgres-control.ts';

/** The catalogues that this role may read, each with the column that names the object. */
const catalogues = `
  select c.relname as table, coalesce(k.key, 'oid') as key
  from pg_class c left join (values
      ('pg_attribute', 'attrelid'), ('pg_index', 'indexrelid'), ('pg_sequence', 'seqrelid'),
      ('pg_inherits', 'inhrelid'), ('pg_range', 'rngtypid'), ('pg_aggregate', 'aggfnoid'),
      ('pg_partitioned_table', 'partrelid'), ('pg_foreign_table', 'ftrelid'),
      ('pg_ts_config_map', 'mapcfg'), ('pg_largeobject', 'loid'),
      ('pg_description', 'objoid'), ('pg_seclabel', 'objoid')) as k (name, key)
    on k.name = c.relname
  where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' and not c.relisshared
    and has_table_privilege(c.oid, 'select')
    and (k.key is not null or exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'oid'))
  order by 1`;

interface CatalogueTable {
  readonly table: string;
  readonly key: string;
}

/** Statements of an application that change rows only; whatever else there is may be DDL. */
const plain =
  /^\s*(select|insert|update|delete|merge|values|with|begin|start transaction|commit|end|rollback|abort|savepoint|release|set|show|fetch|close|declare|listen|notify|unlisten|lock|prepare transaction|effect of)\b[^;]*;?\s*$/i;

/** Whether this statement, in the timeline's words, may change the catalogue by itself. */
export function mayDefine(label: string): boolean {
  return !plain.test(label);
}

/** Whether the catalogue has to be looked at before anybody starts: prepared transactions hold locks. */
export function mayChange(label: string): boolean {
  return mayDefine(label) || /\bprepare\s+transaction\b/i.test(label);
}

/** What `look` found since the capture. */
export interface WorldChange {
  /** Tables, types, functions, privileges, stored settings …: not the rows of a table. */
  readonly definitions: boolean;
  /** Prepared transactions, which outlive their sessions. */
  readonly prepared: readonly string[];
}

/**
 * Tells whether tables, types, functions, settings … have changed since the capture. Where the role may
 * create one, an event trigger notes each DDL statement: checking that costs a tenth of a millisecond
 * and is done together with restoring the rows. Where something was noted, or may have been missed,
 * all rows of the catalogue are compared (3 to 6 ms): a temporary table leaves no trace there.
 * Statistics do not count.
 */
export class Definitions {
  readonly #postgres: PostgresControl;
  readonly #notes: boolean;
  readonly #schema: string;
  readonly #texts: { readonly quick: string; readonly whole: string };
  #quick = '';
  #whole = '';

  private constructor(
    postgres: PostgresControl,
    schema: string,
    notes: boolean,
    texts: { readonly quick: string; readonly whole: string },
  ) {
    this.#postgres = postgres;
    this.#notes = notes;
    this.#schema = schema;
    this.#texts = texts;
  }

  /** Remembers the present state; to be called last, after the explorer's own DDL. */
  static async capture(postgres: PostgresControl, schema: string): Promise<Definitions> {
    const notes = await mayNote(postgres);
    if (notes) await installNotes(postgres, schema);
    const tables = (await postgres.query(catalogues)).map(row => ({
      table: String(row.table),
      key: String(row.key),
    }));
    const [base] = await postgres.query('select txid_current() % 4294967296 as xid');
    const since = String(base?.xid);
    const texts = {
      quick: notes ? notedText(schema, since) : rowsText(tables, since, 'made by users'),
      whole: rowsText(tables, since, 'all'),
    };
    const made = new Definitions(postgres, schema, notes, texts);
    made.#quick = (await made.#ask('quick')).state;
    made.#whole = (await made.#ask('whole')).state;
    return made;
  }

  /** Looks; `statements` are what callers sent since the last look. */
  async look(statements: readonly string[]): Promise<WorldChange> {
    const { state, prepared } = await this.#ask('quick');
    const suspect = state !== this.#quick || (!this.#notes && statements.some(mayDefine));
    if (!suspect) return { definitions: false, prepared };
    const refreshed = /refresh materialized view/i;
    if (refreshed.test(state) || statements.some(one => refreshed.test(one))) {
      return { definitions: true, prepared }; // its rows are no table's: nothing else puts them back
    }
    const whole = await this.#ask('whole');
    if (whole.state !== this.#whole) return { definitions: true, prepared };
    if (this.#notes) await this.#postgres.query(`truncate ${this.#schema}.ddl`);
    return { definitions: false, prepared };
  }

  /** SQL by which the server itself can tell that `look` would find nothing. */
  get same(): SameWorld {
    const unchanged = `state = ${pg.escapeLiteral(this.#quick)} and prepared is null`;
    return { state: this.#texts.quick, unchanged };
  }

  async #ask(which: 'quick' | 'whole'): Promise<{ state: string; prepared: string[] }> {
    const row = await this.#postgres.planned(`catalogue ${which}`, this.#texts[which]);
    const prepared = Array.isArray(row?.prepared) ? row.prepared.map(String) : [];
    return { state: String(row?.state), prepared };
  }
}

async function mayNote(postgres: PostgresControl): Promise<boolean> {
  const [row] = await postgres.query('select rolsuper from pg_roles where rolname = current_user');
  return row?.rolsuper === true;
}

/** Temporary tables are noted, too; the full comparison then finds that they left nothing behind. */
async function installNotes(postgres: PostgresControl, schema: string): Promise<void> {
  await postgres.query(`
    create table ${schema}.ddl (tag text);
    create function ${schema}.note() returns event_trigger
    language plpgsql security definer set search_path = pg_catalog as $note$
    begin
      if current_setting('transaction_read_only') = 'off' then
        insert into ${schema}.ddl values (tg_tag);
      end if;
    end $note$;
    create event trigger explorer_note on ddl_command_end execute function ${schema}.note();
    alter event trigger explorer_note enable always;
    truncate ${schema}.ddl`);
}

const prepared = `
  (select array_agg(gid) from pg_prepared_xacts where database = current_database()) as prepared`;

/** Settings are not DDL in this database: no event trigger fires for them. */
const outside = `
  (select string_agg(concat_ws(' ', setdatabase <> 0, setrole, setconfig), '; '
      order by setdatabase = 0, setrole)
    from pg_db_role_setting
    where setdatabase = (select oid from pg_database where datname = current_database())
      or (setdatabase = 0 and setrole in (0, current_user::regrole))),
  (select concat_ws(' ', datdba, datconnlimit, datallowconn, datacl)
    from pg_database where datname = current_database())`;

/** Large objects, and event triggers themselves: neither is noted. */
function notedText(schema: string, since: string): string {
  const young = `count(*), count(*) filter (where age(xmin) <= age('${since}'::xid))`;
  return `
    select concat_ws('; ', (select string_agg(distinct tag, ', ') from ${schema}.ddl),
      (select concat_ws(' ', ${young}) from pg_event_trigger),
      (select concat_ws(' ', ${young}) from pg_largeobject_metadata),
      (select concat_ws(' ', ${young}) from pg_largeobject),
      ${outside}) as state, ${prepared}`;
}

/**
 * Relations by their content: TRUNCATE gives them new rows in pg_class and changes nothing. A
 * materialized view has a new file when it was refreshed.
 */
const relations = `
  select sum(hashtextextended(concat_ws(' ', oid, relname, relnamespace, reltype, reloftype,
    relowner, relam, reltablespace, relpersistence, relkind, relnatts, relchecks, relhasindex,
    relhasrules, relhastriggers, relrowsecurity, relforcerowsecurity, relreplident,
    relispartition, relacl, reloptions, relpartbound,
    case when relkind = 'm' then relfilenode end), 0))
  from pg_class where oid >= 16384`;

/**
 * Everything else by number and by age: what was changed is younger than the capture, what was
 * dropped is missing. Namespaces of temporary tables stay when those are gone.
 */
function rowsText(
  tables: readonly CatalogueTable[],
  since: string,
  which: 'all' | 'made by users',
): string {
  const rows = tables.map(({ table, key }) => {
    // these are few, and their oids may be any
    if (table === 'pg_largeobject_metadata') return `select xmin as x from ${table}`;
    if (table === 'pg_namespace') {
      return "select xmin from pg_namespace where nspname !~ '^pg_(toast_)?temp_'";
    }
    const made = which === 'all' ? 'true' : `${key}::oid >= 16384`;
    return table === 'pg_class'
      ? `select xmin from pg_class where oid < 16384 and ${made}`
      : `select xmin from ${table} where ${made}`;
  });
  return `
    select concat_ws('; ',
      (select concat_ws(' ', count(*), count(*) filter (where age(x) <= age('${since}'::xid)))
        from (${rows.join(' union all ')}) as rows (x)),
      (${relations}),
      ${outside}) as state, ${prepared}`;
}
