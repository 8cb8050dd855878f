import type { PostgresControl } from './postgres-control.ts';
import { harmless } from './statement-reach.ts';

/** What the reduction knows of the database before the first order. */
export interface Catalogue {
  /**
   * By name. 'plain': the locks on it tell all that a statement did to it. 'immediate': what is done
   * to it is seen at once, as with a sequence. What is missing (a view, a table with a trigger, one
   * that was made during an order) may do anything.
   */
  readonly relations: ReadonlyMap<string, 'plain' | 'immediate'>;
  /** Something waits for COMMIT before it reads and locks. */
  readonly defersToCommit: boolean;
  /** Code of the application's own may run without being called by name: an operator, a cast, … */
  readonly runsUnseen: boolean;
  /** A column is filled with the time by itself. */
  readonly stampsRows: boolean;
}

const userFunctions = `
  select p.oid, p.proname, p.pronargs, p.proargtypes from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'explorer\\_%'
    and not exists (select from pg_depend d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`;

/** Tables and indexes that run nothing but what a statement says. */
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
      or exists (select from own where proname = any(string_to_array('${[...harmless].join(' ')}', ' ')))
      as unseen,
    exists (select from pg_attrdef where
      pg_get_expr(adbin, adrelid) ~* '(now|timestamp|timeofday)\\s*\\(|current_|localtime') as stamps`;

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
  };
}
