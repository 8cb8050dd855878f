import type pg from 'pg';
import { assignmentChannel, gateOf } from './assignment-schema.ts';

/** One change of one group of keys. */
export interface Change {
  readonly scenario: string;
  readonly variant: string;
  readonly group: number;
  /** The epoch that is to be replaced; 0: never assigned. The number counts, never the strategy. */
  readonly epoch: bigint;
  readonly to: string;
}

/** A session that is inside the gate and did not come out in time. */
export interface Insider {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  /** Since when its transaction runs, in milliseconds. */
  readonly insideMs: number;
}

export type Changed =
  | { readonly kind: 'changed'; readonly epoch: bigint }
  /** Somebody else has changed it: read again what is assigned. */
  | { readonly kind: 'outdated' }
  /** Reopened under its old epoch: these did not come out within the pause. */
  | { readonly kind: 'blocked'; readonly by: readonly Insider[] };

const lockNotAvailable = '55P03';

// each tells the processes in its own transaction: they hear of it when it is committed
const close = `
  with closed as (
    update lockstep_assignments
    set closing_until = clock_timestamp() + make_interval(secs => $4)
    where scenario = $1 and variant = $2 and key_group = $3 returning epoch
  )
  select pg_notify('${assignmentChannel}', '') from closed`;

const reopen = `
  with reopened as (
    update lockstep_assignments set closing_until = null
    where scenario = $1 and variant = $2 and key_group = $3 and epoch = $4 returning epoch
  )
  select pg_notify('${assignmentChannel}', '') from reopened`;

const assignFirst = `
  with assigned as (
    insert into lockstep_assignments (scenario, variant, key_group, epoch, strategy)
    values ($1, $2, $3, $4::bigint + 1, $5)
    on conflict do nothing returning epoch
  )
  select epoch, pg_notify('${assignmentChannel}', '') from assigned`;

const assignNext = `
  with assigned as (
    update lockstep_assignments
    set epoch = epoch + 1, strategy = $5, closing_until = null, changed_at = clock_timestamp()
    where scenario = $1 and variant = $2 and key_group = $3 and epoch = $4
    returning epoch
  )
  select epoch, pg_notify('${assignmentChannel}', '') from assigned`;

const insiders = `
  select a.pid, a.application_name as application, coalesce(a.state, 'unknown') as state,
    (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::integer as "insideMs"
  from pg_locks as l join pg_stat_activity as a using (pid)
  where l.locktype = 'relation' and l.relation = $1::regclass
    and l.database = (select oid from pg_database where datname = current_database())
    and l.granted and a.pid <> pg_backend_pid()
  order by a.xact_start`;

/**
 * Changes the epoch of one group when nobody is inside its gate. Newcomers are asked to wait; those who
 * do not hear of it wait at the gate, for the pause at most. Whoever is inside for longer (a frozen
 * process, say) keeps the group as it was.
 */
export async function changeGroup(
  client: pg.ClientBase,
  change: Change,
  pauseMs: number,
): Promise<Changed> {
  const { scenario, variant, group, epoch } = change;
  const place = [scenario, variant, group];
  if (epoch > 0n) await client.query(close, [...place, pauseMs / 1_000]);
  const ended = await assignAlone(client, change, pauseMs);
  if (ended.kind === 'blocked') await client.query(reopen, [...place, String(epoch)]);
  return ended;
}

async function assignAlone(
  client: pg.ClientBase,
  { scenario, variant, group, epoch, to }: Change,
  pauseMs: number,
): Promise<Changed> {
  const gate = gateOf(group);
  await client.query(
    `begin isolation level read committed; set local lock_timeout = ${Math.max(1, Math.floor(pauseMs))}`,
  );
  try {
    await client.query(`lock table ${gate} in access exclusive mode`);
    const assign = epoch === 0n ? assignFirst : assignNext;
    const { rows } = await client.query(assign, [scenario, variant, group, String(epoch), to]);
    await client.query('commit');
    const changed: unknown = rows[0]?.epoch;
    return typeof changed === 'string'
      ? { kind: 'changed', epoch: BigInt(changed) }
      : { kind: 'outdated' };
  } catch (error) {
    const by = isTimeout(error) ? await held(client, gate) : undefined;
    if (by) return { kind: 'blocked', by };
    await client.query('rollback').catch(() => {}); // a session that is gone has rolled back
    throw error;
  }
}

/** Who is inside, told after the rollback: a failed transaction answers nothing. */
async function held(client: pg.ClientBase, gate: string): Promise<readonly Insider[]> {
  await client.query('rollback');
  return (await client.query<Insider>(insiders, [gate])).rows;
}

function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && Reflect.get(error, 'code') === lockNotAvailable
  );
}
