/** Changes of strategy, explored with callers in the middle of them. */
import type { Registry } from '../../src/engine/registry.ts';
import { type Exploration, explore } from '../../src/explore/explore.ts';
import { type CellServers, serversOf } from '../explore/cell.ts';
import { optionsOf, usualReach } from '../explore/spec.ts';
import { type ChangePlan, changeSubject, namedIn } from './change-subject.ts';

/** One of each kind: locks in Postgres and in Redis, versions, levels and constraints. */
export const changes: readonly (readonly [from: string, to: string])[] = [
  ['row-lock', 'advisory-transaction'],
  ['row-lock', 'redis-lease'],
  ['redis-lease', 'redis-lease-fenced'],
  ['version-column', 'serializable'],
  ['unique-slots', 'row-lock'],
];

export interface ChangeOptions extends Pick<ChangePlan, 'naive' | 'back'> {
  readonly servers: CellServers;
  readonly preemptions: number;
  readonly secondsMax: number;
  readonly signal?: AbortSignal;
}

/** One caller who believes in the old epoch, one who reads, and the mover, in every order within the bound. */
export async function exploreChange(
  registry: Registry,
  [from, to]: readonly [from: string, to: string],
  { servers, preemptions, secondsMax, signal, ...kind }: ChangeOptions,
): Promise<Exploration> {
  const scenario = registry.scenarios.get('payroll-reversal');
  if (!scenario) throw new Error("there is no scenario 'payroll-reversal'");
  const { subject, cell } = changeSubject({
    ...{ registry, scenario, variant: 'plain', ...kind },
    ...{ from: namedIn(registry, from), to: namedIn(registry, to) },
    callers: ['the old epoch', 'what it reads'],
  });
  return explore(subject, {
    ...optionsOf({ ...usualReach, preemptions, events: [], phases: false }),
    ...{ secondsMax, ...(signal && { signal }) },
    servers: serversOf(cell, servers),
  });
}
