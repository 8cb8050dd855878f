import { type PostgresControl, phaseKey } from './postgres-control.ts';

const writableTables = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and n.nspname not in ('pg_catalog', 'information_schema', 'explorer_baseline')
    and n.nspname not like 'pg_toast%'
  order by 1`;

/**
 * Splits each writing statement into "snapshot taken" and "effect": a BEFORE STATEMENT trigger
 * waits for an advisory lock that the explorer holds for that backend. Tables only; of a partition that
 * is reached through its root none fires. Resolves to the tables that the role may not split: somebody else's.
 */
export async function installPhases(postgres: PostgresControl): Promise<readonly string[]> {
  await postgres.query(`
    create schema explorer_phases;
    create function explorer_phases.wait() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_lock_shared(${phaseKey}, pg_backend_pid());
      perform pg_advisory_unlock_shared(${phaseKey}, pg_backend_pid());
      return null;
    end $$`);
  const whole: string[] = [];
  for (const { name } of await postgres.query(writableTables)) {
    const made = postgres.query(`
      create trigger explorer_phase before insert or update or delete on ${String(name)}
      for each statement execute function explorer_phases.wait()`);
    await made.catch((error: unknown) => {
      if (!isForbidden(error)) throw error;
      whole.push(String(name));
    });
  }
  return whole;
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42501';
}
