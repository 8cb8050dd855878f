/** What a fault declares. One file per fault in `faults/`, with a default export; its name is its file name. */
import { z } from 'zod';
import type { Event, RedisNeeds, Strategy } from '../../src/contract/index.ts';
import { type Phase, phases } from './phases.ts';
import type { Lab, Stage, Surroundings } from './stage.ts';

/** What a fault hits. */
export const struckAll = ['process', 'redis', 'postgres', 'network', 'client'] as const;
export type Struck = (typeof struckAll)[number];

/** The harm that a fault does to whoever has no defence; a fault is seen to do it, or proves nothing. */
export const harms = [
  /** The audit finds a violation. */
  'violation',
  /** An effect that was acknowledged is gone. */
  'lost acknowledgement',
  /** Nobody can write, on any key. */
  'outage',
  /** A key stays locked although nobody works on it. */
  'lock left behind',
  /** Work is done for a caller who has left. */
  'work for nobody',
] as const;
export type Harm = (typeof harms)[number];

/**
 * To whom a fault must do its harm in the same run: to the hazards that are exposed by this event, to
 * the strategy that protects nothing, to a strategy file that is no part of the product, or to a
 * service or caller without a defence; then the stage is `undefended`, and the fault does what that is.
 */
export type Control =
  | { readonly hazardsUnder: Event }
  | 'no protection'
  | { readonly file: string }
  | { readonly without: string };

/** What the struck caller does, beside waiting for its answer. */
export const manners = [
  /** It closes its connection when the stage says so. */
  'leaves',
  /** It has an Idempotency-Key, and asks again with it where it was not told. */
  'asks again',
] as const;
export type Manner = (typeof manners)[number];

/** A program that a fault needs, and how to get it. */
export interface Need {
  readonly what: string;
  readonly install: string;
  /** Whether it is there. */
  found(): Promise<boolean>;
}

/** How long leases last and commands wait in the service that is struck. */
export interface Times {
  readonly leaseMs: number;
  readonly waitMs: number;
}

export interface Fault {
  /** A sentence without a full stop. */
  readonly title: string;
  readonly strikes: Struck;
  /** What it brings about, in the words of the contract: the prediction follows from these. */
  readonly events: readonly Event[];
  /** Where that depends on where a strategy keeps its locks. */
  eventsFor?(redis: RedisNeeds): readonly Event[];
  readonly harm: Harm;
  readonly control: Control;
  readonly manner?: Manner;
  /** The store itself forgets what was acknowledged, under every strategy: that is predicted, too. */
  readonly forgets?: true;
  /** The service is replaced by another in the course of it. */
  readonly replaces?: true;
  /** Of an outage: whether it hits who keeps the locks there. Default: everybody. */
  outageFor?(redis: RedisNeeds): boolean;
  /** Where it makes sense, the worst first: a run takes the first one that a strategy has. */
  readonly phases: readonly Phase[];
  readonly needs: readonly Need[];
  /** Why it does not concern a strategy; undefined if it does. By traits, never by name. */
  spares?(strategy: Strategy, redis: RedisNeeds): string | undefined;
  /** How long it stays until it is healed. Rivals are served or stuck by then. */
  lastsMs(times: Times): number;
  /** It is healed no sooner, though the rivals were served. */
  leastMs?(times: Times): number;
  /** What it needs around all of its cells: opened before the first, closed after the last. */
  surroundings?(lab: Lab): Promise<Surroundings>;
  /** Before the commands are sent; what it makes is used by `inject`. */
  prepare?(stage: Stage): Promise<void>;
  inject(stage: Stage): Promise<void>;
  /** Undoes it. Called exactly once after `inject`, also when that failed. */
  heal(stage: Stage): Promise<void>;
}

/** A fault with its name. */
export interface NamedFault extends Fault {
  readonly name: string;
}

const callable = z.custom(value => typeof value === 'function', 'must be a function');

/** Checks what types cannot: the registry reads files that may be anything. */
export const faultShape = z.object({
  title: z.string().min(1).regex(/[^.]$/, 'must not end with a full stop'),
  strikes: z.enum(struckAll),
  events: z.array(z.string()),
  harm: z.enum(harms),
  control: z.union([
    z.literal('no protection'),
    z.object({ hazardsUnder: z.string() }),
    z.object({ file: z.string() }),
    z.object({ without: z.string().min(1) }),
  ]),
  manner: z.enum(manners).optional(),
  phases: z.array(z.enum(phases)).min(1, 'must name at least one phase'),
  needs: z.array(z.object({ what: z.string(), install: z.string().min(1) })),
  lastsMs: callable,
  inject: callable,
  heal: callable,
});
