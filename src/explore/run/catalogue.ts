import type { PostgresControl } from './postgres-control.ts';
import { harmless, keywords } from './statement-reach.ts';

/** What the reduction knows about the database before the first order. */
export interface Catalogue {
  /**
   * By name. 'plain': the locks on it tell all that a statement did to it. 'immediate': changes are
   * visible at once, as with a sequence. Missing ones (a view, a table with a trigger or one created
   * during an order) may do anything.
   */
  readonly relations: ReadonlyMap<string, 'plain' | 'immediate'>;
  /** Something is deferred: COMMIT itself may read and lock. */
  readonly defersToCommit: boolean;
  /** Code of the application's own may run without being called by name: an operator, a cast, … */
  readonly runsUnseen: boolean;
  /** A column default or the like stores the time. */
  readonly stampsRows: boolean;
  /** It stores the time of the statement or the moment, which BEGIN does not fix. */
  readonly stampsAtOnce: boolean;
  /** By each name without its schema, in small letters: every relation that a text may mean by it. */
  readonly byWord: ReadonlyMap<string, readonly Relation[]>;
}

/** A relation as statements name it, and what else they reach through it. */
export interface Relation {
  /** As in `Catalogue.relations`. */
  readonly name: string;
  /** The only column of its primary key. */
  readonly key: string | undefined;
  /** Its partitions, children and parents by inheritance: a statement may read any of them. */
  readonly kin: Relation[];
  /** What its foreign keys point at: a row that is written locks a row there. */
  readonly parents: Relation[];
  /** Whose foreign keys point here: a row that is changed is looked for there, or changes them. */
  readonly children: Relation[];
  /** Sequences that fill its columns. */
  readonly sequences: Relation[];
  /** A sequence that no foreign key or partition tells of may be used: its locks show it alone. */
  readonly fillsUnseen: boolean;
}

const userFunctions = `
  select p.oid, p.proname, p.pronargs, p.proargtypes from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'explorer\\_%'
    and not exists (select from pg_depend d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`;

/** Tables and indexes that run no code beyond what a statement says. */
const relations = `
  with own as (${userFunctions}),
  uses_own as (
    select d.classid, d.objid from pg_depend d join own on own.oid = d.refobjid
    where d.refclassid = 'pg_proc'::regclass
  ),
  runs as (
    select tgrelid as oid from pg_trigger
      where not tgisinternal and tgname <> 'explorer_phase'
    union select ev_class from pg_rewrite
    union select oid from pg_class where relrowsecurity or relkind in ('v', 'm', 'f')
    union select a.adrelid from pg_attrdef a join uses_own u on u.objid = a.oid
      where u.classid = 'pg_attrdef'::regclass
    union select c.conrelid from pg_constraint c join uses_own u on u.objid = c.oid
      where u.classid = 'pg_constraint'::regclass
    union select i.indrelid from pg_index i join uses_own u on u.objid = i.indexrelid
      where u.classid = 'pg_class'::regclass
  )
  select c.oid::text as oid, c.relkind = 'S' as immediate,
    -- a toast table and its index are called after the oid of their table
    case when n.nspname = 'pg_toast' then coalesce(
        (select 'toast of ' || p.oid::regclass from pg_class p where p.reltoastrelid = c.oid),
        'index ' || c.oid)
      else format('%I.%I', n.nspname, c.relname) end as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.oid >= 16384 and c.relkind in ('r', 'p', 'i', 'I', 'S', 't')
    and c.oid not in (select oid from runs)
    and not exists (select from pg_index i join runs on runs.oid = i.indrelid
      where i.indexrelid = c.oid)`;

const facts = `
  with own as (${userFunctions})
  select
    exists (select from pg_trigger where tgdeferrable)
      or exists (select from pg_constraint where condeferrable) as defers,
    exists (select from pg_operator o where o.oid >= 16384 and o.oprcode::oid in (select oid from own))
      or exists (select from pg_cast c where c.castfunc in (select oid from own))
      or exists (select from pg_event_trigger where evtname not like 'explorer\\_%')
      or exists (select from pg_type t where t.typtype = 'd' and t.oid >= 16384)
      or exists (select from own join pg_type t on t.oid = own.proargtypes[0]
        where own.pronargs = 1 and t.typtype = 'c')
      or exists (select from own where proname = any(string_to_array('${[...harmless, ...keywords].join(' ')}', ' ')))
      as unseen,
    exists (select from pg_attrdef where
      pg_get_expr(adbin, adrelid) ~* '(now|timestamp|timeofday)\\s*\\(|current_|localtime') as stamps,
    exists (select from pg_attrdef where
      pg_get_expr(adbin, adrelid) ~* '(clock_timestamp|statement_timestamp|timeofday)') as stamps_at_once`;

/** What can stand in a text where a relation can; of the explorer's own none. */
const words = `
  select c.oid::text as oid, c.relname as word, format('%I.%I', n.nspname, c.relname) as name,
    (select a.attname from pg_index i join pg_attribute a
      on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1) as key,
    -- anything but the default of a serial column
    exists (select from pg_attrdef d where d.adrelid = c.oid
      and pg_get_expr(d.adbin, d.adrelid) ~* 'val\\s*\\('
      and pg_get_expr(d.adbin, d.adrelid) !~ '^nextval\\(''[^'']+''::regclass\\)$') as fills_unseen
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and n.nspname not like 'pg\\_%' and n.nspname not like 'explorer\\_%'`;

const ties = `
  select 'kin' as tie, inhrelid::text as one, inhparent::text as other from pg_inherits
  union all select 'parent', conrelid::text, confrelid::text from pg_constraint where contype = 'f'
  union all select 'sequence', d.adrelid::text, p.refobjid::text
    from pg_depend p join pg_attrdef d on d.oid = p.objid
    where p.classid = 'pg_attrdef'::regclass and p.refclassid = 'pg_class'::regclass
  union all select 'sequence', refobjid::text, objid::text from pg_depend
    where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass
      and refobjsubid <> 0 and deptype in ('a', 'i')`;

async function readWords(postgres: PostgresControl): Promise<Catalogue['byWord']> {
  const byOid = new Map<string, Relation>();
  const byWord = new Map<string, Relation[]>();
  for (const { oid, word, name, key, fills_unseen } of await postgres.query(words)) {
    const relation: Relation = {
      name: String(name),
      key: typeof key === 'string' ? key : undefined,
      kin: [],
      parents: [],
      children: [],
      sequences: [],
      fillsUnseen: fills_unseen !== false,
    };
    byOid.set(String(oid), relation);
    const letters = String(word).toLowerCase();
    byWord.set(letters, [...(byWord.get(letters) ?? []), relation]);
  }
  for (const { tie, one, other } of await postgres.query(ties)) {
    const [from, to] = [byOid.get(String(one)), byOid.get(String(other))];
    if (from === undefined || to === undefined || from === to) continue;
    if (tie === 'sequence') from.sequences.push(to);
    else if (tie === 'parent') {
      from.parents.push(to);
      to.children.push(from);
    } else {
      from.kin.push(to);
      to.kin.push(from);
    }
  }
  return byWord;
}

/** Asked once, before the first order. */
export async function readCatalogue(postgres: PostgresControl): Promise<Catalogue> {
  const rows = await postgres.query(relations);
  const [found] = await postgres.query(facts);
  postgres.relationNames = new Map(rows.map(({ oid, name }) => [String(oid), String(name)]));
  return {
    relations: new Map(
      rows.map(({ name, immediate }) => [String(name), immediate === true ? 'immediate' : 'plain']),
    ),
    defersToCommit: found?.defers !== false,
    runsUnseen: found?.unseen !== false,
    stampsRows: found?.stamps !== false,
    stampsAtOnce: found?.stamps_at_once !== false,
    byWord: await readWords(postgres),
  };
}
