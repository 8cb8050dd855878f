import type { ServerUrls, Subject } from './run/stage.ts';
import type { ExecutionSettings } from './run/trace.ts';
import type { EventKind } from './search/choice.ts';
import type { Bound } from './search/cost.ts';
import type { FollowMode } from './search/follow.ts';

export interface ExploreOptions {
  readonly servers: ServerUrls;
  /** What may go wrong, each at every point. None by default. */
  readonly events?: readonly EventKind[];
  /** How many events one schedule may hold. Default 1 when `events` names some. */
  readonly eventsMax?: number;
  /** Switches away from an actor that could go on. Default 2, and 1 beside an event. */
  readonly preemptions?: number | 'unbounded';
  readonly preemptionsWithEvent?: number | 'unbounded';
  /**
   * A Redis key that lives longer is data that is kept and never a lease: no event ends it. Default
   * 900 s.
   */
  readonly leaseSecondsMax?: number;
  /** Splits writing statements into snapshot and effect. Default true. */
  readonly phases?: boolean;
  /** BEGIN runs together with the statement after it. Default true. */
  readonly fuseBegin?: boolean;
  /** The same request to several Redis nodes at once is one step. Default true. */
  readonly fuseNodes?: boolean;
  /**
   * Leaves out orders that cannot differ; only without a preemption bound, and where actors share no
   * memory: programs, services, and functions that are said to be `isolated`. Default true.
   */
  readonly reduce?: boolean;
  /** The actors that are functions share no variable of a module (a cache, a pool). Default false. */
  readonly isolated?: boolean;
  /** Names of actors that run the same code with the same arguments. */
  readonly identical?: Identical | (() => Identical);
  /**
   * What actors may reach past their gates: `mail.example.com`, `10.0.0.7:9200`, `/run/app.sock`. A
   * connection to anything else leaves the explorer without a verdict.
   */
  readonly allowHosts?: readonly string[];
  readonly executionsMax?: number;
  readonly secondsMax?: number;
  /**
   * Beyond the budget: so many random schedules, drawn from the seed. They can find a
   * counterexample; they never make a verdict of "all orders".
   */
  readonly random?: { readonly schedules: number; readonly seed: number };
  /** Stops at the first counterexample, which is the shortest by (events, preemptions). */
  readonly firstOnly?: boolean;
  readonly stepsMax?: number;
  /** How long a step may neither answer nor be seen to wait. Default 10 000 ms. */
  readonly stepMs?: number;
  /** Aborted: the exploration ends soon, with what was found until then and `interrupted`. */
  readonly signal?: AbortSignal;
  /** Told after each execution. */
  readonly progress?: (sofar: Progress) => void;
}

/** How a schedule is run again. */
export interface ReplayOptions extends ExploreOptions {
  /** How often. Default 1. */
  readonly times?: number;
  /** 'guided' leaves out what is no longer possible: for code that has changed. */
  readonly mode?: FollowMode;
}

/** Groups of names. A function is asked when the subject has been prepared. */
export type Identical = readonly (readonly string[])[];

export interface Progress {
  readonly executions: number;
  readonly violating: number;
}

/** How one execution is run. */
export function settingsOf(options: ExploreOptions): ExecutionSettings {
  const events = new Set(options.events ?? []);
  return {
    patience: { stepMs: options.stepMs ?? 10_000, promptMs: 1 },
    stepsMax: options.stepsMax ?? 200,
    fuseBegin: options.fuseBegin ?? true,
    fuseNodes: options.fuseNodes ?? true,
    phases: options.phases ?? true,
    events,
    eventsMax: eventsMaxOf(options),
    leaseMaxMs: (options.leaseSecondsMax ?? 900) * 1_000,
    leasesTogether: false,
    footprints: (options.reduce ?? true) && options.preemptions === 'unbounded',
    allowHosts: options.allowHosts ?? [],
    ...(options.signal && { signal: options.signal }),
  };
}

export function boundOf(options: ExploreOptions): Bound {
  const free = options.preemptions ?? 2;
  const beside = options.preemptionsWithEvent ?? (free === 'unbounded' ? free : Math.min(free, 1));
  return {
    events: eventsMaxOf(options),
    preemptions: free === 'unbounded' ? undefined : free,
    preemptionsWithEvent: beside === 'unbounded' ? undefined : beside,
  };
}

/**
 * Whether orders are left out that cannot differ. Never beside a bound of preemptions, which could
 * cut the one order that stands for the others; nor where actors share memory that no server sees.
 */
export function reduces(subject: Subject, options: ExploreOptions): boolean {
  const { preemptions, preemptionsWithEvent } = boundOf(options);
  const bounded =
    preemptions !== undefined || (mayHoldEvents(options) && preemptionsWithEvent !== undefined);
  return (options.reduce ?? true) && !bounded && !sharesMemory(subject, options);
}

/** Functions run in this process, and may keep something in a variable of a module. */
function sharesMemory({ actors }: Subject, { isolated }: ExploreOptions): boolean {
  const inside = Object.values(actors).filter(act => typeof act === 'function');
  return inside.length > 1 && !isolated;
}

function mayHoldEvents(options: ExploreOptions): boolean {
  return eventsMaxOf(options) > 0;
}

/** A group number for each actor, equal for identical ones. */
export function symmetryOf(subject: Subject, options: ExploreOptions): number[] | undefined {
  const { identical } = options;
  if (identical === undefined) return undefined;
  const groups = typeof identical === 'function' ? identical() : identical;
  const names = Object.keys(subject.actors);
  return names.map((name, at) => {
    const group = groups.findIndex(one => one.includes(name));
    return group < 0 ? names.length + at : group;
  });
}

function eventsMaxOf(options: ExploreOptions): number {
  return options.eventsMax ?? ((options.events ?? []).length > 0 ? 1 : 0);
}
