import type { SessionRewriter } from './gate/rewriting.ts';
import type { ServerUrls, Subject } from './run/stage.ts';
import type { ExecutionSettings } from './run/trace.ts';
import type { EventKind } from './search/choice.ts';
import type { Bound } from './search/cost.ts';
import type { FollowMode } from './search/follow.ts';

export interface ExploreOptions {
  readonly servers: ServerUrls;
  /** Faults to inject, each at every point. None by default. */
  readonly events?: readonly EventKind[];
  /** How many events one schedule may hold. Default 1 when `events` names some. */
  readonly eventsMax?: number;
  /** Switches away from an actor that could continue. Default 2, and 1 in orders with an event. */
  readonly preemptions?: number | 'unbounded';
  readonly preemptionsWithEvent?: number | 'unbounded';
  /**
   * A Redis key that lives longer is stored data, not a lease: no event ends it. Default 900 s.
   */
  readonly leaseSecondsMax?: number;
  /** Splits writing statements into snapshot and effect. Default true. */
  readonly phases?: boolean;
  /** BEGIN runs together with the statement after it. Default true. */
  readonly fuseBegin?: boolean;
  /** The same request to several Redis nodes at once is one step. Default true. */
  readonly fuseNodes?: boolean;
  /**
   * Skips orders that cannot differ. Applies only without a preemption bound, and where actors share
   * no memory: programs, services, and functions declared `isolated`. Default true.
   */
  readonly reduce?: boolean;
  /** Actors that are functions share no module variables (a cache, a pool). Default false. */
  readonly isolated?: boolean;
  /** Names of actors that run the same code with the same arguments. */
  readonly identical?: Identical | (() => Identical);
  /**
   * What actors may reach without a gate: `mail.example.com`, `10.0.0.7:9200`, `/run/app.sock`. With
   * any other connection there is no verdict.
   */
  readonly allowHosts?: readonly string[];
  readonly executionsMax?: number;
  readonly secondsMax?: number;
  /**
   * When the budget is used up: this many random schedules, drawn from the seed. They can find a
   * counterexample but never amount to "all orders".
   */
  readonly random?: { readonly schedules: number; readonly seed: number };
  /** Stops at the first counterexample, which is the shortest by (events, preemptions). */
  readonly firstOnly?: boolean;
  readonly stepsMax?: number;
  /** How long, in ms, a step may neither answer nor be seen to wait. Default 10 000. */
  readonly stepMs?: number;
  /**
   * What Postgres is told in place of what the callers say, for each connection of a caller: for
   * what-if, whose results are about that and not about the code.
   */
  readonly rewriter?: (actor: string) => SessionRewriter;
  /** Aborting it ends the exploration soon, with the result so far and `interrupted` set. */
  readonly signal?: AbortSignal;
  /** Called after each execution. */
  readonly progress?: (sofar: Progress) => void;
}

/** How a schedule is run again. */
export interface ReplayOptions extends ExploreOptions {
  /** How often. Default 1. */
  readonly times?: number;
  /** 'guided' skips steps that are no longer possible: for code that has changed. */
  readonly mode?: FollowMode;
}

/** Groups of names. A function is called after the subject has been prepared. */
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
    ...(options.rewriter && { rewriter: options.rewriter }),
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
 * Whether orders that cannot differ are skipped. Never with a preemption bound, which could cut the
 * one order that represents the others; nor where actors share memory that no server sees.
 */
export function reduces(subject: Subject, options: ExploreOptions): boolean {
  const { preemptions, preemptionsWithEvent } = boundOf(options);
  const bounded =
    preemptions !== undefined || (mayHoldEvents(options) && preemptionsWithEvent !== undefined);
  return (options.reduce ?? true) && !bounded && !sharesMemory(subject, options);
}

/** Functions run in this process and may share module variables. */
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
