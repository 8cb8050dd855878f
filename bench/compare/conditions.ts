/** The conditions of a run, and the limits that follow from them. Pure. */

import type { Conditions } from '../lab/shapes.ts';
import { keysMin, powerMin } from '../lab/verdict.ts';
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
      `${counted(plan.repetitions, 'repetition')} × ${plan.rounds} keys, one after another; ` +
        `${plan.rivals} callers per key, ${percent(plan.doubleTapShare)} of them send twice; ` +
        `all at once, spread over ${counted(plan.processes, 'process', 'processes')} by address`,
    ],
    [
      'Alone',
      `${counted(plan.repetitions, 'repetition')} × at most ${plan.aloneKeys} keys, one command each, ` +
        'one in flight',
    ],
    [
      'Busy',
      `${counted(plan.repetitions, 'repetition')} × at most ${plan.busyKeys} keys, one command each, ` +
        `${plan.inFlight} in flight`,
    ],
    [
      'Order',
      'strategies in random order, a new one for each repetition; audit after all transactions ended',
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

/** Names the durability settings that are off; empty if all are on. */
export function durabilityWarning({ conditions }: Summary): string {
  const off = ['fsync', 'full_page_writes', 'synchronous_commit'].filter(
    name => conditions.postgres.settings[name] === 'off',
  );
  return off.length === 0
    ? ''
    : `This Postgres runs with ${off.join(', ')} off: its COMMIT costs less than a durable one.`;
}

/** What the numbers do not prove. Blunt on purpose. */
export function limits({ plan, conditions }: Summary): readonly string[] {
  const decided = plan.rounds * plan.repetitions;
  return [
    `“0 of n” is not a proof. After 0 of ${decided} keys the true share may still be ` +
      `${percent(3 / Math.max(3, decided))} (rule of three, 95 % confidence, keys assumed independent), ` +
      'and only for this load on this machine. Interleavings that the load did not produce were not ' +
      'tested; no faults were injected.',
    'A key counts if two processes reported working on commands for it at the same time and one ' +
      `command was accepted. With fewer than ${keysMin} such keys nothing is called safe, and the bound ` +
      'counts only these. Nothing is called safe either where the control failed on less than ' +
      `${powerMin * 100} % of its keys. Where the control’s failures differ between repetitions by more ` +
      'than chance, fewer keys count as independent.',
    'Unfilled keys had capacity left while a caller was told busy. They do not make a strategy unsafe; ' +
      'they are the price of refusing at once. Where there are many, no contested cost is given.',
    'A hazard that needs an event load does not cause (a crash, a lost lease) is neither safe nor ' +
      'unsafe here: exploring its matched pair shows it.',
    'A claim holds unless an event voids it: a lost lease, a broken connection, a second process. The ' +
      'claim column is computed from the events of this run.',
    `Load generator, service, Postgres and Redis shared ${counted(conditions.machine.cores, 'core')} ` +
      'and one loopback network. Read the ratios, not the milliseconds: a real network makes every ' +
      'round trip more expensive, and strategies differ in how many they need.',
    'A place says that the intervals of two strategies do not overlap on this machine, under this ' +
      'load; it says nothing about another machine, another network or durable storage.',
    'Contested keys come one after another in closed bursts: a test of correctness and hand-off, not ' +
      'of an arrival rate. Latencies under an open arrival rate are a different question.',
    'wait, hold and commit come from histograms of the service: a quantile is exact to the width of ' +
      'its bucket. wait includes the cost of a conflict only for attempts that committed.',
    'Goodput counts effects that the audit found, without those in excess; it never counts answers.',
  ];
}
