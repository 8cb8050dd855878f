import type { ExploreOptions } from '../explore/explore.ts';
import type { Exploration } from '../explore/result.ts';
import type { RequestActor } from '../explore/run/child-actor.ts';
import type { Difference, JudgedKind, Masked } from '../explore/serial/finding.ts';

export type { Difference, JudgedKind, Masked } from '../explore/serial/finding.ts';

/** A key of a Redis server, as DUMP and PTTL tell it. */
export interface RedisKey {
  /** Which server, in the order of the URLs. */
  readonly server: number;
  /** The logical database. */
  readonly database: number;
  readonly key: Buffer;
  /** What DUMP gives. */
  readonly dump: Buffer;
  /** Milliseconds to live; 0 where it stays. */
  readonly ttlMs: number;
}

/** What every order begins with: a template, SQL, or both, and keys. */
export interface StartState {
  /**
   * A database on the server of the exploration. It is copied, never connected to, and must be there,
   * with nobody in it, until the exploration is over.
   */
  readonly template?: string;
  /** SQL that runs in the copy, or in an empty database. */
  readonly setup?: string;
  readonly redis?: readonly RedisKey[];
}

/** One of the callers: a request to a service, which is started with its own gates as its servers. */
export interface Caller extends RequestActor {
  /** Unlike the others': `ann`, `POST /bookings #2`. */
  readonly name: string;
}

/** What is explored with the serial oracle: nobody has to say what is right. */
export interface ScanSubject {
  readonly title: string;
  readonly start: StartState;
  readonly callers: readonly Caller[];
  /** What is not compared: see `Subject.ignore`. */
  readonly ignore?: readonly string[];
  /** SQL over committed rows that lists violations, where the user has one: used besides. */
  readonly audit?: string;
  /** What callers may reach past their gates. */
  readonly allowHosts?: readonly string[];
}

/** How far one candidate is explored. */
export type ScanOptions = Pick<
  ExploreOptions,
  'servers' | 'preemptions' | 'secondsMax' | 'executionsMax' | 'signal' | 'progress' | 'stepMs'
>;

/** What the orders of one subject came to, by the gravest of them. */
export interface Finding {
  readonly title: string;
  readonly callers: readonly string[];
  /** `equals a serial order` only where every order within the bound was judged, and does. */
  readonly kind: JudgedKind;
  /** One sentence in words; for `not judged` the reason. */
  readonly why: string;
  /** The named anomaly, where the order shows one: `lost update`, `write skew` … */
  readonly anomaly: string | undefined;
  /** What differs from the nearest serial order; empty unless something does. */
  readonly differences: readonly Difference[];
  /** What was compared up to renaming, or not at all, and why. */
  readonly masked: readonly Masked[];
  /** How many orders came to each kind. */
  readonly orders: Readonly<Record<JudgedKind, number>>;
  /** `v2:…`: the shortest order of that kind, for `--replay`. */
  readonly schedule: string | undefined;
  /** Everything else that is known; its counterexample is that order. */
  readonly exploration: Exploration;
}
