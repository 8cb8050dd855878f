import type { Schema } from '../store/migrate.ts';
import { groupCount } from './key-groups.ts';

/** SQLSTATE of a proof that is refused: the keys are assigned under another epoch by now. */
export const assignmentChanged = 'LS001';

/** Where processes hear of a change. */
export const assignmentChannel = 'lockstep_assignments';

/** The table whose lock is the gate of one group of keys. */
export function gateOf(group: number): string {
  return `lockstep_gate_${group}`;
}

/**
 * Which strategy decides which keys. A group without a row has never been assigned: epoch 0. Whoever
 * decides holds the gates of its keys in ACCESS SHARE until the end of the transaction; whoever changes
 * an epoch holds the gate in ACCESS EXCLUSIVE, so nobody is inside.
 *
 * Why gates are tables: at REPEATABLE READ and above the first statement that takes a snapshot fixes
 * what all later ones see. LOCK TABLE takes none, any SELECT does, also one of an advisory lock: the
 * proof behind it would read the epoch of before the wait. And locks of this kind write nothing.
 */
export const assignmentSchema: Schema = {
  name: 'assignments',
  schemaSql: assignmentSql(Array.from({ length: groupCount }, (_, group) => group)),
};

/** The same with the gates of these groups alone. */
export function assignmentSql(groups: readonly number[]): string {
  return `
create table if not exists lockstep_assignments (
  scenario text not null,
  variant text not null,
  key_group smallint not null check (key_group between 0 and ${groupCount - 1}),
  epoch bigint not null check (epoch > 0),
  strategy text not null,
  closing_until timestamptz,
  changed_at timestamptz not null default now(),
  primary key (scenario, variant, key_group)
);

${groups.map(group => `create table if not exists ${gateOf(group)} ();`).join('\n')}

create or replace function lockstep_prove(
  of_scenario text, of_variant text, key_groups smallint[], epochs bigint[]
) returns void language plpgsql as $$
declare
  changed smallint;
begin
  select mine.key_group into changed
  from unnest(key_groups, epochs) as mine (key_group, epoch)
  left join lockstep_assignments as now
    on now.scenario = of_scenario and now.variant = of_variant and now.key_group = mine.key_group
  where coalesce(now.epoch, 0) <> mine.epoch
  limit 1;
  if changed is not null then
    raise exception 'the keys of group % of %/% are assigned under another epoch', changed, of_scenario, of_variant
      using errcode = '${assignmentChanged}';
  end if;
end
$$;
`;
}
