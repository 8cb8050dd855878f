/** Changes of strategy, explored with callers in the middle of them. */
import { type Event, predict } from '../../src/contract/index.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { type Exploration, explore } from '../../src/explore/explore.ts';
import type { EventKind } from '../../src/explore/search/choice.ts';
import { type CellServers, serversOf } from '../explore/cell.ts';
import { optionsOf, usualReach } from '../explore/spec.ts';
import { type ChangePlan, changeSubject, type Knows, namedIn } from './change-subject.ts';

export type Change = readonly [from: string, to: string];

/** One of each kind: locks in Postgres and in Redis, versions, levels and constraints. */
export const changes: readonly Change[] = [
  ['row-lock', 'advisory-transaction'],
  ['row-lock', 'redis-lease'],
  ['redis-lease', 'redis-lease-fenced'],
  ['version-column', 'serializable'],
  ['unique-slots', 'row-lock'],
];

/** How one change is explored. */
export interface Course extends Pick<ChangePlan, 'naive' | 'back'> {
  readonly callers: readonly Knows[];
  readonly events: readonly EventKind[];
  readonly preemptions: number;
}

const two: readonly Knows[] = ['the old epoch', 'what it reads'];
const events: readonly EventKind[] = ['crash', 'pause', 'lost-reply', 'lease-expires'];

/** What `npm run dev:rollout` explores of each change. */
export const courses: readonly Course[] = [
  { callers: two, events: [], preemptions: 2 },
  { callers: two, events: [], preemptions: 1, back: true },
  { callers: two, events, preemptions: 1 },
  { callers: [...two, 'the new epoch'], events: [], preemptions: 1 },
];

/** Enough for the control: it is unsafe. */
export const control: Course = { callers: two, events: [], preemptions: 2, naive: true };

export interface ChangeOptions {
  readonly servers: CellServers;
  readonly secondsMax: number;
  readonly executionsMax?: number;
  readonly signal?: AbortSignal;
}

/** Callers and the mover, in every order within the bound. */
export async function exploreChange(
  registry: Registry,
  [from, to]: Change,
  { events: injected, preemptions, ...plan }: Course,
  { servers, secondsMax, executionsMax, signal }: ChangeOptions,
): Promise<Exploration> {
  const { subject, cell } = changeSubject({
    ...{ registry, scenario: scenarioOf(registry), variant, ...plan },
    ...{ from: namedIn(registry, from), to: namedIn(registry, to) },
  });
  return explore(subject, {
    ...optionsOf({ ...usualReach, preemptions, events: injected, phases: false }),
    ...{ secondsMax, firstOnly: plan.naive ?? false, ...(signal && { signal }) },
    ...(executionsMax !== undefined && { executionsMax }),
    servers: serversOf(cell, servers),
  });
}

const variant = 'plain';

function scenarioOf(registry: Registry) {
  const scenario = registry.scenarios.get('payroll-reversal');
  if (!scenario) throw new Error("there is no scenario 'payroll-reversal'");
  return scenario;
}

/** What an event of the explorer is to a claim. */
const claimed: { readonly [kind in EventKind]?: Event } = {
  crash: 'crash',
  pause: 'lease lost',
  'lease-expires': 'lease lost',
  'redis-loses-data': 'lease lost',
};

/**
 * The events with orders that break the audit although neither strategy gives up its claim under them: with
 * an event a change need not be better than its ends. Empty: none.
 */
export function unexplained(
  registry: Registry,
  change: Change,
  { parts }: Pick<Exploration, 'parts'>,
): readonly string[] {
  const traits = scenarioOf(registry).registered.variants[variant];
  if (!traits) throw new Error(`there is no variant '${variant}'`);
  const ends: readonly RegisteredStrategy[] = change.map(name => namedIn(registry, name));
  return parts.flatMap(({ event, violating }) => {
    if (violating === 0) return [];
    const met = event.split('+').flatMap(kind => (isClaimed(kind) ? [claimed[kind]] : []));
    const given = new Set(met.flatMap(one => one ?? []));
    const holds = ends.every(({ declared }) => predict(declared, traits, given).verdict === 'safe');
    return holds ? [event] : [];
  });
}

function isClaimed(kind: string): kind is keyof typeof claimed {
  return kind in claimed;
}
