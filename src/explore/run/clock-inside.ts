import type { PostgresControl } from './postgres-control.ts';
import { reachOf } from './statement-reach.ts';
import type { TraceLine } from './trace.ts';

/**
 * Whether a statement inside an explicit transaction read or stored its time, which BEGIN has fixed:
 * then it matters which transaction began first. `stamps`: a row that is written may hold the time
 * though no statement says so.
 */
export function readsClockInside(lines: readonly TraceLine[], stamps: boolean): boolean {
  const open = new Set<string>();
  for (const { token, store, label } of lines) {
    if (store !== 'postgres') continue;
    const connection = token.replace(/^[^A-Z]+/, '');
    const said = reachOf(label.replace(/^effect of /, ''));
    if (said.reach === 'begin') open.add(connection);
    else if (said.reach === 'commits' || said.reach === 'rolls back') open.delete(connection);
    else if (open.has(connection) && (said.readsClock || (stamps && said.fills))) return true;
  }
  return false;
}

/** Whether a default, a generated value or a function of the application's own reads the time. */
export async function stampsRows(postgres: PostgresControl): Promise<boolean> {
  const time = `'(now|timestamp|timeofday)\\s*\\(|current_(timestamp|date|time)|localtime'`;
  const [found] = await postgres.query(`
    select exists (select from pg_attrdef where pg_get_expr(adbin, adrelid) ~* ${time})
      or exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where not t.tgisinternal and p.prosrc ~* ${time}) as stamps`);
  return found?.stamps !== false;
}
