import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Schema } from '../store/migrate.ts';
import { groupCount } from './key-groups.ts';

/** Where processes hear of a change. */
export const assignmentChannel = 'lockstep_assignments';

/** A variant of a scenario: what a rollout moves. */
export interface Place {
  readonly scenario: string;
  readonly variant: string;
}

/**
 * Which strategy decides which keys. A place whose keys have never been assigned has one gate and no rows;
 * after that each of its groups of keys has a row and a gate, whose name ends with the epoch.
 *
 * Whoever decides holds the gates of its keys in ACCESS SHARE until the end of the transaction. Whoever
 * changes an epoch holds the gate in ACCESS EXCLUSIVE, so nobody is inside, and renames it: to lock a gate
 * is to prove the epoch in its name, and who believes in another one gets an error.
 *
 * Why tables: at REPEATABLE READ and above the first statement that takes a snapshot fixes what all later
 * ones see. LOCK TABLE takes none and finds the name anew when its wait is over; behind an advisory lock,
 * which needs a SELECT, one would read the epoch of before the wait. And such a lock writes nothing.
 */
export const assignmentSchema: Schema = {
  name: 'assignments',
  schemaSql: `
create schema if not exists lockstep_gates;

create table if not exists lockstep_places (
  scenario text not null,
  variant text not null,
  primary key (scenario, variant)
);

create table if not exists lockstep_assignments (
  scenario text not null,
  variant text not null,
  key_group smallint not null check (key_group between 0 and ${groupCount - 1}),
  epoch bigint not null check (epoch > 0),
  strategy text not null,
  closing_until timestamptz,
  changed_at timestamptz not null default now(),
  primary key (scenario, variant, key_group)
)`,
};

const nameMaxBytes = 63; // Postgres cuts longer ones, and two of them may be alike then

/** The gate of a group in an epoch; the one of a place without assignments has neither. */
export function gateOf({ scenario, variant }: Place, group?: number, epoch?: bigint): string {
  const name = [scenario, variant, group, epoch].filter(part => part !== undefined).join('/');
  const fits = Buffer.byteLength(name) <= nameMaxBytes;
  const short = fits ? name : createHash('sha256').update(name).digest('hex').slice(0, 40);
  return `lockstep_gates.${pg.escapeIdentifier(short)}`;
}

/** The name alone, for a renaming. */
export function gateNameOf(place: Place, group: number, epoch: bigint): string {
  return gateOf(place, group, epoch).slice('lockstep_gates.'.length);
}

const addPlaces = `
  insert into lockstep_places (scenario, variant)
  select * from unnest($1::text[], $2::text[]) on conflict do nothing returning scenario, variant`;

/**
 * Makes the gates of places that are new; belongs into one transaction. Once only: a gate that a rollout
 * has taken away must not come back, or who missed the rollout would find it open.
 */
export async function addGates(client: pg.ClientBase, places: readonly Place[]): Promise<void> {
  const { rows } = await client.query<Place>(addPlaces, [
    places.map(({ scenario }) => scenario),
    places.map(({ variant }) => variant),
  ]);
  for (const place of rows) await client.query(`create table ${gateOf(place)} ()`);
}

/** Whether any keys are assigned: then nobody may decide without a proof. */
export async function anyAssigned(client: pg.ClientBase | pg.Pool): Promise<boolean> {
  const { rows } = await client.query<{ any: boolean }>(
    'select exists (select from lockstep_assignments) as any',
  );
  return rows[0]?.any === true;
}
