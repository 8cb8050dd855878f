import pg from 'pg';
import { errorMessage } from '../error-message.ts';
import { assignmentChannel, gateNameOf, gateOf, type Place } from './assignment-schema.ts';
import { groupCount } from './key-groups.ts';
import { proofRefused } from './proof.ts';

/** One change of one group of keys. */
export interface Change extends Place {
  readonly group: number;
  /** The epoch that is to be replaced. The number counts, never the strategy. */
  readonly epoch: bigint;
  readonly to: string;
  /** A statement that divides by zero where nobody wants this change any more. */
  readonly wanted?: string;
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
  | { readonly kind: 'blocked'; readonly by: readonly Insider[]; readonly because?: string };

const lockNotAvailable = '55P03';
/** What a change ends with that somebody else was faster with. */
const outdated = new Set([
  proofRefused, // the gate of that epoch is gone
  '42P07', // duplicate_table: its groups have their gates
  '23505', // the same, found in the catalogue itself
  '22012', // division_by_zero: it is not wanted any more
  '23514', // check_violation: the gate and its row do not agree, see `next`
]);

// tells the processes in its own transaction: they hear of it when it is committed
const close = `
  with closed as (
    update lockstep_assignments
    set closing_until = clock_timestamp() + make_interval(secs => $5)
    where scenario = $1 and variant = $2 and key_group = $3 and epoch = $4 returning epoch
  )
  select pg_notify('${assignmentChannel}', '') from closed`;

const reopen = `
  with reopened as (
    update lockstep_assignments set closing_until = null
    where scenario = $1 and variant = $2 and key_group = $3 and epoch = $4 returning epoch
  )
  select pg_notify('${assignmentChannel}', '') from reopened`;

const insiders = `
  select a.pid, a.application_name as application, coalesce(a.state, 'unknown') as state,
    (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::integer as "insideMs"
  from pg_locks as l join pg_stat_activity as a using (pid)
  where l.locktype = 'relation' and l.relation = $1::regclass
    and l.database = (select oid from pg_database where datname = current_database())
    and l.granted and a.pid <> pg_backend_pid()
  order by a.xact_start`;

/** How all keys of a place are assigned for the first time. */
export interface FirstAssignment extends Place {
  /** The strategy that has decided them until now. */
  readonly strategy: string;
  /** All, unless only some keys exist. */
  readonly groups?: readonly number[];
  /** Statements that fail with `unproved` while somebody may decide who does not prove. */
  readonly allProve?: string;
  /** As in a change. */
  readonly wanted?: string;
}

/** SQLSTATE of ours: somebody decides without a proof. */
export const unproved = 'LS001';

/** Assigns all keys of a place, in epoch 1, when nobody is inside its gate. */
export async function assignPlace(
  client: pg.ClientBase,
  assignment: FirstAssignment,
  pauseMs: number,
): Promise<Changed> {
  const { strategy, scenario, variant, allProve = '', wanted } = assignment;
  const { groups = Array.from({ length: groupCount }, (_, group) => group) } = assignment;
  const gate = gateOf({ scenario, variant });
  const gates = groups.map(group => `create table ${gateOf({ scenario, variant }, group, 1n)} ()`);
  return alone(client, { gate, epoch: 1n, pauseMs, before: `${allProve} ${gates.join(';\n')};` }, [
    ...(wanted === undefined ? [] : [wanted]),
    `with assigned as (
       insert into lockstep_assignments (scenario, variant, key_group, epoch, strategy)
       select ${texts(scenario, variant)}, key_group, 1, ${texts(strategy)}
       from unnest('{${groups.join()}}'::smallint[]) as key_group
       returning key_group
     )
     select pg_notify('${assignmentChannel}', '') from assigned limit 1`,
    `drop table ${gate}`,
  ]);
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
  const { scenario, variant, group, epoch, to, wanted } = change;
  const place = [scenario, variant, group, String(epoch)];
  const next = epoch + 1n;
  const gate = gateOf(change, group, epoch);
  await client.query(close, [...place, pauseMs / 1_000]).catch(onlyAsked);
  const ended = await alone(client, { gate, epoch: next, pauseMs }, [
    ...(wanted === undefined ? [] : [wanted]),
    // 0 is refused by a check: the row is of the epoch that the gate's name says, or nothing happens
    `with changed as (
       update lockstep_assignments
       set epoch = case epoch when ${epoch} then ${next} else 0 end, strategy = ${texts(to)},
         closing_until = null, changed_at = clock_timestamp()
       where (scenario, variant, key_group) = (${texts(scenario, variant)}, ${group})
       returning epoch
     )
     select pg_notify('${assignmentChannel}', '') from changed`,
    `alter table ${gate} rename to ${gateNameOf(change, group, next)}`,
  ]);
  if (ended.kind === 'blocked') await client.query(reopen, place).catch(onlyAsked);
  return ended;
}

/**
 * Newcomers are only asked to wait, and not for longer than the pause: two who ask at once may refuse each
 * other above READ COMMITTED, and a connection that is gone is told by the next message.
 */
const onlyAsked = (): void => {};

interface Alone {
  readonly gate: string;
  readonly pauseMs: number;
  /** That of the keys behind the gate afterwards. */
  readonly epoch: bigint;
  /** Statements that need not be alone. */
  readonly before?: string;
}

/**
 * Runs statements in a transaction that is alone inside the gate, in one message: whoever sends it may
 * stop, freeze or be cut off at any moment, and the server goes on to its end. A gate is never held
 * while the server waits for us.
 */
async function alone(
  client: pg.ClientBase,
  { gate, epoch, pauseMs, before = '' }: Alone,
  statements: readonly string[],
): Promise<Changed> {
  try {
    await client.query(`
      begin isolation level read committed;
      set local lock_timeout = ${Math.max(1, Math.floor(pauseMs))};
      ${before}
      lock table ${gate} in access exclusive mode;
      ${statements.join(';\n')};
      commit`);
    return { kind: 'changed', epoch };
  } catch (error) {
    await client.query('rollback').catch(() => {}); // a session that is gone has rolled back
    const state = sqlstateOf(error);
    if (state === lockNotAvailable) return { kind: 'blocked', by: await held(client, gate) };
    if (outdated.has(state)) return { kind: 'outdated' };
    if (state === unproved) return { kind: 'blocked', by: [], because: errorMessage(error) };
    throw error;
  }
}

/** Names of the registry as SQL: a message of several statements takes no parameters. */
function texts(...names: readonly string[]): string {
  return names.map(name => pg.escapeLiteral(name)).join(', ');
}

/** Who is inside. */
async function held(client: pg.ClientBase, gate: string): Promise<readonly Insider[]> {
  return (await client.query<Insider>(insiders, [gate])).rows;
}

function sqlstateOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
