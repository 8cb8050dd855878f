import type { RoutineSource } from '../gate/routines.ts';
import type { PostgresControl } from './postgres-control.ts';

const volatileOnes = `
  select p.proname as name, l.lanname as language, p.prosrc as body,
    coalesce(array_agg(c.relname) filter (where c.relname is not null), '{}')::text[] as tables
  from pg_proc p
  join pg_language l on l.oid = p.prolang
  join pg_namespace n on n.oid = p.pronamespace
  left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
  left join pg_class c on c.oid = t.tgrelid
  where p.provolatile = 'v' and p.prokind in ('f', 'p') and l.lanname not in ('c', 'internal')
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'explorer\\_%'
    and not exists (select from pg_depend d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  group by p.oid, p.proname, l.lanname, p.prosrc`;

/** The application's own functions and procedures that take a snapshot for each of their statements. */
export async function routineSources(postgres: PostgresControl): Promise<RoutineSource[]> {
  const rows = await postgres.query(volatileOnes);
  return rows.map(({ name, language, body, tables }) => ({
    name: String(name),
    language: String(language),
    body: String(body ?? ''),
    tables: Array.isArray(tables) ? tables.map(String) : [],
  }));
}
