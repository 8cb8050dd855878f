import type pg from 'pg';
import { assignmentChannel, gateNameOf, gateOf, type Place } from './assignment-schema.ts';
import { groupCount } from './key-groups.ts';
import { proofRefused } from './proof.ts';

/** One change of one group of keys. */
export interface Change extends Place {
  readonly group: number;
  /** The epoch that is to be replaced. The number counts, never the strategy. */
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
const duplicateTable = '42P07';

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

const assignAll = `
  with assigned as (
    insert into lockstep_assignments (scenario, variant, key_group, epoch, strategy)
    select $1, $2, key_group, 1, $3 from unnest($4::smallint[]) as key_group returning epoch
  )
  select max(epoch) as epoch, pg_notify('${assignmentChannel}', '') from assigned`;

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
 * Assigns all keys of a place to the strategy that has decided them until now, in epoch 1, when nobody
 * is inside its gate. `groups`: all, unless only some keys exist.
 */
export async function assignPlace(
  client: pg.ClientBase,
  { strategy, ...place }: Place & { readonly strategy: string },
  pauseMs: number,
  groups: readonly number[] = Array.from({ length: groupCount }, (_, group) => group),
): Promise<Changed> {
  const gates = groups.map(group => `create table ${gateOf(place, group, 1n)} ()`);
  return alone(client, gateOf(place), { pauseMs, before: gates.join('; ') }, async () => {
    const values = [place.scenario, place.variant, strategy, groups];
    const { rows } = await client.query(assignAll, values);
    await client.query(`drop table ${gateOf(place)}`);
    return rows;
  });
}

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
  const { scenario, variant, group, epoch, to } = change;
  const place = [scenario, variant, group];
  const gate = gateOf(change, group, epoch);
  await client.query(close, [...place, pauseMs / 1_000]);
  const ended = await alone(client, gate, { pauseMs }, async () => {
    const { rows } = await client.query(assignNext, [...place, String(epoch), to]);
    if (rows.length > 0)
      await client.query(`alter table ${gate} rename to ${gateNameOf(change, group, epoch + 1n)}`);
    return rows;
  });
  if (ended.kind === 'blocked') await client.query(reopen, [...place, String(epoch)]);
  return ended;
}

/** Runs `change`, which returns the new epoch, in a transaction that is alone inside the gate. */
async function alone(
  client: pg.ClientBase,
  gate: string,
  { pauseMs, before = '' }: { readonly pauseMs: number; readonly before?: string },
  change: () => Promise<readonly { readonly epoch?: unknown }[]>,
): Promise<Changed> {
  const lockTimeout = `set local lock_timeout = ${Math.max(1, Math.floor(pauseMs))}`;
  try {
    await client.query(`begin isolation level read committed; ${lockTimeout}`);
    if (before !== '') await client.query(before);
    await client.query(`lock table ${gate} in access exclusive mode`);
    const rows = await change();
    await client.query('commit');
    const changed = rows[0]?.epoch;
    return typeof changed === 'string'
      ? { kind: 'changed', epoch: BigInt(changed) }
      : { kind: 'outdated' };
  } catch (error) {
    await client.query('rollback').catch(() => {}); // a session that is gone has rolled back
    if (isOf(error, lockNotAvailable)) return { kind: 'blocked', by: await held(client, gate) };
    if (isOf(error, proofRefused) || isOf(error, duplicateTable)) return { kind: 'outdated' };
    throw error;
  }
}

/** Who is inside. */
async function held(client: pg.ClientBase, gate: string): Promise<readonly Insider[]> {
  return (await client.query<Insider>(insiders, [gate])).rows;
}

function isOf(error: unknown, sqlstate: string): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === sqlstate;
}
