/** When what runs: warm-up, bystanders alone, the load, and the audit of what callers were told. */
import type { Options, Scenario } from 'k6/options';
import type { Settings } from './settings.ts';
import { type Arrivals, graceSeconds } from './workloads.ts';

/** Names of k6's scenarios; the default function looks at which of them it runs in. */
export const phaseNames = {
  warmUp: 'warm_up',
  quiet: 'bystanders_alone',
  load: 'load',
  beside: 'bystanders',
  audit: 'audit',
} as const;

/** Of different callers. */
export const warmUpCommandsPerKey = 4;
const warmUpCallers = 20;
const bystanderCallers = 10;
const quietSeconds = 5;
const auditMaxSeconds = 60;

export interface Phases {
  readonly scenarios: Record<string, Scenario>;
  readonly warmUpCommands: number;
  /** Of each of the two bystander phases. */
  readonly bystanderCommands: number;
  /** Virtual users that have something to tell the audit. */
  readonly callers: number;
}

/**
 * The order of a run. In the open model the audit is a scenario that needs every virtual user that
 * there is at once: so each of them runs it, and holds what it was told itself against the rows. In
 * the closed model each caller does so after its last command.
 */
export function phasesOf(settings: Settings, arrivals: Arrivals): Phases {
  const { warmUpSeconds, bystandersPerSecond, vus } = settings;
  const { warmUpPerSecond } = arrivals;
  const open = arrivals.model === 'open';
  if (bystandersPerSecond > 0 && !open)
    throw new Error('BYSTANDERS needs an open workload: the closed ones have no time of their own');
  const scenarios: Record<string, Scenario> = {};
  let atSeconds = 0;
  const add = (name: string, scenario: Scenario): void => {
    scenarios[name] = { ...scenario, startTime: `${atSeconds}s`, tags: { phase: name } };
  };
  const gracefulStop = `${graceSeconds(settings)}s`;
  const steady = (rate: number, seconds: number, callers: number): Scenario => ({
    executor: 'constant-arrival-rate',
    rate,
    duration: `${seconds}s`,
    preAllocatedVUs: callers,
    maxVUs: callers,
    gracefulStop,
  });
  if (warmUpSeconds > 0) {
    add(phaseNames.warmUp, steady(warmUpPerSecond, warmUpSeconds, warmUpCallers));
    atSeconds += warmUpSeconds + 1;
  }
  if (bystandersPerSecond > 0) {
    add(phaseNames.quiet, steady(bystandersPerSecond, quietSeconds, bystanderCallers));
    atSeconds += quietSeconds;
    add(phaseNames.beside, steady(bystandersPerSecond, arrivals.seconds, bystanderCallers));
  }
  add(phaseNames.load, { ...arrivals.scenario, gracefulStop });
  const others =
    (warmUpSeconds > 0 ? warmUpCallers : 0) + (bystandersPerSecond > 0 ? 2 * bystanderCallers : 0);
  const callers = open ? vus + others : vus;
  if (open) {
    atSeconds += arrivals.seconds + graceSeconds(settings);
    const maxDuration = `${auditMaxSeconds}s`;
    add(phaseNames.audit, {
      executor: 'per-vu-iterations',
      vus: callers,
      iterations: 1,
      maxDuration,
    });
  }
  const bystanderSeconds = Math.max(quietSeconds, arrivals.seconds);
  return {
    scenarios,
    warmUpCommands: Math.ceil(warmUpPerSecond * warmUpSeconds) + warmUpCallers,
    bystanderCommands: Math.ceil(bystandersPerSecond * bystanderSeconds) + bystanderCallers,
    callers,
  };
}

/**
 * Whether k6 runs each phase as planned. A flag may replace or leave out some, and a load without its
 * audit would be judged by nobody.
 */
export function isAsPlanned(
  planned: Phases['scenarios'],
  told: NonNullable<Options['scenarios']>,
): boolean {
  return Object.entries(planned).every(([name, { executor }]) => told[name]?.executor === executor);
}

/** The metric of commands that were due and could not be sent, of the load alone. */
export const droppedName = `dropped_iterations{scenario:${phaseNames.load}}`;
/** So many that could not be sent end a search for the limit: it has been found. */
const broken = { threshold: 'count<200', abortOnFail: true, delayAbortEval: '2s' } as const;
/** Of the planned commands, at least this share has to be answered. */
const least = 0.5;

/**
 * What has to hold. k6 passes a threshold over a metric without samples, so every counter gets a 0
 * before the load, and the numbers of samples are demanded too.
 */
export function thresholdsOf(
  settings: Settings,
  { arrivals, phases }: { readonly arrivals: Arrivals; readonly phases: Phases },
): NonNullable<Options['thresholds']> {
  const none = ['count==0'];
  const planned = arrivals.commands - (arrivals.model === 'open' ? settings.vus : 0);
  return {
    accepted: ['count>0'],
    answered: [`count>=${Math.floor(planned * least)}`],
    wrong_answers: none,
    unknown: none,
    answered_ms: [`p(95)<${settings.p95Ms}`],
    keys_stuck: none,
    keys_unanswered: none,
    [droppedName]: settings.workload === 'breakpoint' ? [broken] : none,
    ...(settings.adminToken !== undefined && {
      callers_audited: [`count==${phases.callers}`],
      keys_audited: ['count>0'],
      acknowledgements_audited: ['count>0'],
      unsettled_audits: none,
      duplicates: none,
      lost_updates: none,
      lost_acknowledgements: none,
      false_refusals: none,
      inconsistencies: none,
    }),
  };
}
