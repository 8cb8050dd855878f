/** Under which conditions a run was made, and what it therefore cannot say. Pure. */

import type { Conditions } from '../lab/shapes.ts';
import { keysMin } from '../lab/verdict.ts';
import { counted, percent } from '../page/format.ts';
import type { Summary } from './summary.ts';

const shownPackages = ['pg', 'ioredis', 'redlock', 'express', 'async-mutex'];

/** Label and value, in reading order. */
export function conditionRows(summary: Summary): readonly (readonly [string, string])[] {
  const { plan, conditions, command, startedAt, seconds } = summary;
  const { machine, postgres, redis, redisNodes, packages } = conditions;
  const changed = conditions.changed === null ? '' : conditions.changed ? ', with changes' : '';
  const nodes = redisNodes.length > 0 ? `; ${counted(redisNodes.length, 'further node')}` : '';
  return [
    ['Command', command],
    ['Seed', String(plan.seed)],
    ['Started', `${startedAt}, took ${seconds.toFixed(0)} s`],
    ['Code', `lockstep ${conditions.version}, commit ${conditions.commit}${changed}`],
    ['Postgres', serverLine(postgres)],
    ['Durability', settingsLine(postgres.settings)],
    ['Redis', `${serverLine(redis)}${nodes}; ${settingsLine(redis.settings)}`.replace(/; $/, '')],
    [
      'Clients',
      shownPackages
        .flatMap(name => (packages[name] ? [`${name} ${packages[name]}`] : []))
        .join(', '),
    ],
    ['Node', conditions.node],
    [
      'Machine',
      `${machine.system}, ${machine.processor}, ${counted(machine.cores, 'core')}, ${machine.memoryGiB} GiB`,
    ],
    ['Service', settingsLine(conditions.service)],
    [
      'Contested',
      `${counted(plan.repetitions, 'repetition')} × ${plan.rounds} keys, one after the other; ` +
        `${plan.rivals} callers per key, ${percent(plan.doubleTapShare)} of them tap twice; ` +
        `all sent at once, spread over ${counted(plan.processes, 'process', 'processes')} by address`,
    ],
    [
      'Uncontended',
      `${counted(plan.repetitions, 'repetition')} × ${plan.uncontendedKeys} keys, one command each, ` +
        `${plan.inFlight} in flight`,
    ],
    [
      'Order',
      'strategies in random order, a new one for each repetition; the audit ran once all had settled',
    ],
  ];
}

function serverLine(server: Conditions['postgres']): string {
  return `${server.product} ${server.version} (${server.origin})`;
}

function settingsLine(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** Settings that are not as a durable database has them; empty where all are. */
export function durabilityWarning({ conditions }: Summary): string {
  const off = ['fsync', 'full_page_writes', 'synchronous_commit'].filter(
    name => conditions.postgres.settings[name] === 'off',
  );
  return off.length === 0
    ? ''
    : `This Postgres runs with ${off.join(', ')} off: its COMMIT is cheaper than a durable one.`;
}

/** What the numbers do not say. Blunt on purpose. */
export function limits({ plan, conditions }: Summary): readonly string[] {
  const decided = plan.rounds * plan.repetitions;
  return [
    `“0 of n” is no proof. After 0 of ${decided} keys the true share may still be ` +
      `${percent(3 / Math.max(3, decided))} (rule of three, 95 % confidence, keys taken as independent), ` +
      'and that holds for this load on this machine alone. Orders of events that the load did not ' +
      'produce were not tested; no faults were injected.',
    `A key counts where two processes worked on commands for it at the same time, as they told ` +
      `themselves, and one was accepted. Below ${keysMin} such keys nothing is called safe, and the ` +
      'bound counts no others. Where the control was not seen to fail, nothing is called safe either.',
    'Unfilled keys had room left while somebody was told busy. They do not make a strategy unsafe; they ' +
      'are what refusing at once costs, and where they are many no contested cost is told.',
    'A hazard that needs what load does not bring (a crash, a lease that is lost) is neither safe nor ' +
      'unsafe here: the exploration of its matched pair shows it.',
    'A claim holds while that did not happen which voids it: a lease that was lost, a connection ' +
      'that broke, a second process. The claim column is computed from what did happen in this run.',
    `Load generator, service, Postgres and Redis shared ${counted(conditions.machine.cores, 'core')} ` +
      'and one loopback network. Read the ratios, not the milliseconds; a real network makes every ' +
      'round trip dearer, and strategies differ in how many they take.',
    `Where the ranges of ${counted(plan.repetitions, 'repetition')} overlap, the order is noise. ` +
      'Differences below 15 % are not a finding here.',
    'Contested keys come one after the other in closed bursts: that is a test of correctness and of ' +
      'hand-off, not of an arrival rate. Latencies under an open arrival rate are another matter.',
    'wait, hold and commit come from histograms of the service: a quantile is exact to the width of ' +
      'its bucket. wait contains what a conflict costs only in attempts that were committed.',
    'Goodput counts effects that the audit found, without the surplus; never answers.',
  ];
}
