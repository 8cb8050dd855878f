import { parentsFirst } from './foreign-keys.ts';
import type { PostgresControl } from './postgres-control.ts';

/** The schema for what the explorer keeps in its database; the phases have one of their own. */
export const shadow = 'explorer_baseline';

/** SQL for the state of everything but rows, and a condition on it. */
export interface SameWorld {
  readonly state: string;
  readonly unchanged: string;
}

/** The rows and sequences that every execution starts from. */
export class Baseline {
  /** Triggers stay on while rows are restored: the role may not silence them. */
  readonly heedsTriggers: boolean;
  /** Rows cannot be restored because of that: each order begins in a fresh copy of the database. */
  readonly needsCopy: boolean;
  readonly #postgres: PostgresControl;

  private constructor(postgres: PostgresControl, heedsTriggers: boolean, needsCopy: boolean) {
    this.#postgres = postgres;
    this.heedsTriggers = heedsTriggers;
    this.needsCopy = needsCopy;
  }

  /** Remembers what the setup left behind. */
  static async capture(postgres: PostgresControl): Promise<Baseline> {
    const silences = await silencesTriggers(postgres);
    await postgres.query(`drop schema if exists ${shadow} cascade; create schema ${shadow}`);
    const tables = await postgres.query(userTables);
    const ordered = silences ? tables : await parentsFirst(postgres, tables);
    if (ordered !== undefined) await captureRows(postgres, ordered, silences);
    return new Baseline(postgres, !silences, ordered === undefined);
  }

  /** From here on the explorer's session only queries and restores, and never waits long. */
  async confine(limitsMs: { readonly lock: number; readonly statement: number }): Promise<void> {
    await this.#postgres.limit(limitsMs);
    if (!this.heedsTriggers) await this.#postgres.silenceTriggers();
  }

  /** Restores rows, in their physical order, and sequences: a query without ORDER BY answers alike. */
  async restore(): Promise<void> {
    if (this.needsCopy) return; // the copy has them
    await this.#postgres.planned('restore', `select ${shadow}.restore()`);
  }

  /**
   * The same, together with a check of everything else; false where that has changed, and then nothing
   * was restored.
   */
  async restoreIf({ state, unchanged }: SameWorld): Promise<boolean> {
    const row = await this.#postgres.planned(
      'restore if',
      `select case when ${unchanged} then ${shadow}.restore()::text end as restored from (${state}) as seen`,
    );
    return row?.restored !== null;
  }
}

/** Superusers may, and roles that were granted SET on that parameter, as some managed services do. */
async function silencesTriggers(postgres: PostgresControl): Promise<boolean> {
  const text = 'set session_replication_role = replica; reset session_replication_role';
  return postgres.query(text).then(
    () => true,
    () => false,
  );
}

const userTables = `
  select c.oid, n.nspname as schema, c.relname as name,
    (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', '${shadow}')
    and n.nspname not like 'pg_toast%' and n.nspname not like 'pg_temp%'
  order by 2, 3`;

const userSequences = `
  select format('%I.%I', schemaname, sequencename) as name, last_value, start_value
  from pg_sequences where schemaname <> '${shadow}' order by 1`;

/** How often in a row a table is emptied by DELETE, and up to which size of its rows. */
const deletesMax = 8;
const smallBytes = 256;

/**
 * Copies every row and writes `explorer_baseline.restore()`. TRUNCATE gives a new file and with it
 * the same physical order of rows in every execution, but creates and removes files: ten times the
 * rest. A page that has room keeps the order as well: what is inserted comes last, and Postgres
 * takes back dead rows of a page only when nine tenths of it are full (README.optim.HOT). So small
 * tables are emptied by DELETE a few times in a row, and nothing is done to those that stayed empty.
 */
async function captureRows(
  postgres: PostgresControl,
  tables: readonly Readonly<Record<string, unknown>>[],
  silences: boolean,
): Promise<void> {
  const sequences = await postgres.query(userSequences);
  const used: string[] = [];
  const small: string[] = [];
  const deletes: string[] = [];
  const inserts: string[] = [];
  const names = tables.map(({ schema, name }) => `${identifier(schema)}.${identifier(name)}`);
  for (const [index, { oid, columns }] of tables.entries()) {
    const name = names[index] ?? '';
    const copy = `${shadow}.t${String(oid)}`;
    await postgres.query(`create table ${copy} as select ${columns} from only ${name}`);
    const [rows] = await postgres.query(`select count(*)::int as n from ${copy}`);
    used.push(`pg_relation_size(${String(oid)}) > 0`);
    small.push(`pg_relation_size(${String(oid)}) <= 8192
      and (select coalesce(sum(pg_column_size(t)), 0) <= ${smallBytes} from only ${name} t)`);
    const empties = `delete from only ${name}`;
    deletes.unshift(
      rows?.n === 0 ? `if pg_relation_size(${String(oid)}) > 0 then ${empties}; end if` : empties,
    );
    if (rows?.n === 0) continue;
    inserts.push(`insert into ${name} (${columns}) overriding system value table ${copy}`);
  }
  for (const { name, last_value, start_value } of sequences) {
    const called = last_value !== null;
    inserts.push(
      `perform setval('${String(name)}', ${called ? last_value : start_value}, ${called})`,
    );
  }
  const truncates = names.length === 0 ? 'null' : `truncate ${names.join(', ')}`;
  await postgres.query(`
    create sequence ${shadow}.deletes;
    create function ${shadow}.restore() returns void language plpgsql
    ${silences ? 'set session_replication_role = replica' : ''} set client_min_messages = 'error' as $restore$
    begin
      if ${[...used, 'false'].join(' or ')} then
        if nextval('${shadow}.deletes') % ${deletesMax} <> 1 and ${[...small, 'true'].join(' and ')} then
          ${deletes.map(one => `${one};`).join('\n          ')}
        else
          ${truncates};
        end if;
      end if;
      ${inserts.map(one => `${one};`).join('\n      ')}
    end $restore$`);
}

function identifier(name: unknown): string {
  return `"${String(name).replaceAll('"', '""')}"`;
}
