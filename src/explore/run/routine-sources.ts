import type { RelationSource, RoutineSource } from '../gate/routines.ts';
import type { PostgresControl } from './postgres-control.ts';

const isOurs = (name: string): string =>
  `${name} not in ('pg_catalog', 'information_schema') and ${name} !~ '^(explorer|pg_toast|pg_temp)'`;

const routines = `
  select p.proname as name, l.lanname as language, coalesce(p.prosrc, '') as body,
    p.provolatile = 'v' as volatile,
    p.pronargs = 1 and exists (select from pg_type y
      where y.oid = p.proargtypes[0] and y.typtype = 'c') as like_column,
    exists (select from pg_operator o where o.oprcode = p.oid)
      or exists (select from pg_cast k where k.castfunc = p.oid) as unnamed,
    coalesce(array_agg(c.relname) filter (where c.relname is not null), '{}')::text[] as tables
  from pg_proc p
  join pg_language l on l.oid = p.prolang
  join pg_namespace n on n.oid = p.pronamespace
  left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
  left join pg_class c on c.oid = t.tgrelid
  where p.prokind in ('f', 'p') and l.lanname not in ('c', 'internal') and ${isOurs('n.nspname')}
  group by p.oid, p.proname, l.lanname, p.prosrc, p.provolatile, p.pronargs, p.proargtypes
  -- an aggregate calls its function once for each row
  union all
  select p.proname, 'sql', format('loop %s() %s()', f.proname, l.proname), true, false, false, '{}'
  from pg_aggregate a
  join pg_proc p on p.oid = a.aggfnoid
  join pg_namespace n on n.oid = p.pronamespace
  join pg_proc f on f.oid = a.aggtransfn
  left join pg_proc l on l.oid = a.aggfinalfn
  where ${isOurs('n.nspname')}`;

/** What a write reaches: cascades, partitions and their parents, the tables behind a view. */
const relations = `
  with own as (
    select c.oid, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${isOurs('n.nspname')}),
  ties as (
    select confrelid as one, conrelid as other from pg_constraint
      where contype = 'f' and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd'))
    union all select inhparent, inhrelid from pg_inherits
    union all select inhrelid, inhparent from pg_inherits
    union all select r.ev_class, d.refobjid from pg_rewrite r join pg_depend d
      on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class),
  parts as (
    select 'pg_attrdef'::regclass as class, oid, adrelid as rel from pg_attrdef
    union all select 'pg_constraint'::regclass, oid, conrelid from pg_constraint where conrelid <> 0
    union all select 'pg_policy'::regclass, oid, polrelid from pg_policy
    union all select 'pg_class'::regclass, indexrelid, indrelid from pg_index
    union all select 'pg_constraint'::regclass, k.oid, a.attrelid from pg_constraint k
      join pg_attribute a on a.atttypid = k.contypid
    union all select 'pg_rewrite'::regclass, oid, ev_class from pg_rewrite)
  select own.relname as name,
    array(select distinct o.relname::text from ties join own as o on o.oid = ties.other
      where ties.one = own.oid) as writes,
    array(select distinct p.proname::text from parts join pg_depend d
        on d.classid = parts.class and d.objid = parts.oid and d.refclassid = 'pg_proc'::regclass
      join pg_proc p on p.oid = d.refobjid where parts.rel = own.oid) as functions,
    exists (select from pg_rewrite r where r.ev_class = own.oid and r.ev_type <> '1') as ruled, false as domain
  from own
  -- a domain is no relation, but a name in a statement by which its checks are run
  union all
  select y.typname, '{}', array(select distinct p.proname::text from pg_constraint k
      join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
        and d.refclassid = 'pg_proc'::regclass
      join pg_proc p on p.oid = d.refobjid where k.contypid = y.oid), false, true
  from pg_type y join pg_namespace n on n.oid = y.typnamespace
  where y.typtype = 'd' and ${isOurs('n.nspname')}`;

/** Functions and procedures of the application and of extensions whose text is there. */
export async function routineSources(postgres: PostgresControl): Promise<RoutineSource[]> {
  const rows = await postgres.query(routines);
  return rows.map(({ name, language, body, tables, volatile, like_column, unnamed }) => ({
    name: String(name),
    language: String(language),
    body: String(body ?? ''),
    tables: textsOf(tables),
    isVolatile: volatile !== false,
    isLikeColumn: like_column === true,
    isUnnamed: unnamed === true,
  }));
}

/** Its tables and views, and what statements on them run. */
export async function relationSources(postgres: PostgresControl): Promise<RelationSource[]> {
  const rows = await postgres.query(relations);
  return rows.map(({ name, writes, functions, ruled, domain }) => ({
    name: String(name),
    writes: textsOf(writes),
    functions: textsOf(functions),
    ruled: ruled === true,
    isDomain: domain === true,
  }));
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
