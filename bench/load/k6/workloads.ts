/**
 * How commands arrive. Open workloads offer so many per second whatever becomes of them, and count
 * those that they could not send as dropped; closed ones send the next when the last was answered.
 */
import type { Scenario } from 'k6/options';
import type { Settings } from './settings.ts';

interface Stage {
  /** Of the rate of `average`. */
  readonly times: number;
  readonly seconds: number;
}

type Shape =
  | { readonly model: 'open'; readonly from: number; readonly stages: readonly Stage[] }
  | { readonly model: 'closed' | 'burst' };

interface Workload {
  readonly purpose: string;
  readonly shape: Shape;
}

const steady = (times: number, seconds: number): Shape => ({
  model: 'open',
  from: times,
  stages: [{ times, seconds }],
});

/** All workloads, by name. */
export const workloads: Readonly<Record<string, Workload>> = {
  smoke: { purpose: 'does it run at all', shape: steady(0.2, 5) },
  average: { purpose: 'what a usual day offers', shape: steady(1, 20) },
  stress: {
    purpose: 'three times the usual, reached and left slowly',
    shape: { model: 'open', from: 0.2, stages: ramp(3, 15, 30) },
  },
  spike: {
    purpose: 'ten times the usual within two seconds',
    shape: { model: 'open', from: 0.5, stages: ramp(10, 2, 5) },
  },
  burst: { purpose: 'all callers send at once, at one fresh key', shape: { model: 'burst' } },
  closed: { purpose: 'so many callers, each waits for its answer', shape: { model: 'closed' } },
  soak: { purpose: 'the usual for half an hour', shape: steady(1, 1_800) },
  breakpoint: {
    purpose: 'more and more until answers no longer come',
    shape: { model: 'open', from: 0.2, stages: [{ times: 50, seconds: 300 }] },
  },
};

function ramp(times: number, upSeconds: number, holdSeconds: number): readonly Stage[] {
  return [
    { times, seconds: upSeconds },
    { times, seconds: holdSeconds },
    { times: 0.2, seconds: upSeconds },
  ];
}

/** Bursts follow each other at this distance, counted from the start of the load. */
export const burstEveryMs = 300;

/** How long what is under way may go on when its time is over: longer than any command waits. */
export const graceSeconds = (settings: Settings): number => settings.timeoutSeconds + 1;

/** A workload with the settings filled in. */
export interface Arrivals {
  readonly model: Shape['model'];
  /** Of the measured part. */
  readonly scenario: Scenario;
  readonly seconds: number;
  /** At most this many commands are begun. */
  readonly commands: number;
  readonly warmUpPerSecond: number;
  /** On each key; a burst aims all callers at one. */
  readonly commandsPerKey: number;
}

/** Throws where there is no such workload. */
export function arrivalsOf(settings: Settings): Arrivals {
  const workload = Object.hasOwn(workloads, settings.workload) && workloads[settings.workload];
  if (!workload)
    throw new Error(
      `WORKLOAD is '${settings.workload}'; write one of ${Object.keys(workloads).join(', ')}`,
    );
  const { shape } = workload;
  return shape.model === 'open' ? open(shape, settings) : closed(shape.model, settings);
}

function open(shape: Shape & { model: 'open' }, settings: Settings): Arrivals {
  const { ratePerSecond, vus, commandsPerKey, durationSeconds } = settings;
  const planned = shape.stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const stretch = (durationSeconds ?? planned) / planned;
  const stages = shape.stages.map(({ times, seconds }) => ({
    perSecond: Math.max(1, Math.round(times * ratePerSecond)),
    seconds: Math.max(1, Math.round(seconds * stretch)),
  }));
  const from = Math.max(1, Math.round(shape.from * ratePerSecond));
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const commands = stages.reduce(
    (sum, stage, index) =>
      sum + (((stages[index - 1]?.perSecond ?? from) + stage.perSecond) / 2) * stage.seconds,
    0,
  );
  // as many as there may be: making more in the middle would disturb what is measured
  const callers = { preAllocatedVUs: vus, maxVUs: vus };
  const first = stages[0];
  const constant = stages.length === 1 && first?.perSecond === from;
  const scenario: Scenario = constant
    ? { executor: 'constant-arrival-rate', rate: from, duration: `${seconds}s`, ...callers }
    : {
        executor: 'ramping-arrival-rate',
        startRate: from,
        stages: stages.map(one => ({ target: one.perSecond, duration: `${one.seconds}s` })),
        ...callers,
      };
  return {
    model: 'open',
    scenario,
    seconds,
    commands: Math.ceil(commands) + vus,
    warmUpPerSecond: from,
    commandsPerKey,
  };
}

const closedMaxSeconds = 300;
const closedWarmUpPerSecond = 50;

function closed(model: 'closed' | 'burst', settings: Settings): Arrivals {
  const { vus, iterations, durationSeconds, commandsPerKey } = settings;
  const seconds = durationSeconds ?? closedMaxSeconds;
  return {
    model,
    scenario: {
      executor: 'per-vu-iterations',
      vus,
      iterations: iterations + 1, // the last one is the audit
      maxDuration: `${seconds}s`,
    },
    seconds,
    commands: vus * (iterations + 1),
    warmUpPerSecond: Math.min(settings.ratePerSecond, closedWarmUpPerSecond),
    commandsPerKey: model === 'burst' ? vus : commandsPerKey,
  };
}
