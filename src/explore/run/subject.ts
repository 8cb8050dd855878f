import type { ActorEnd, ActorFunction } from './actor.ts';
import type { CommandActor, RequestActor } from './child-actor.ts';
import type { RowLease } from './row-leases.ts';
import type { WorldServers } from './servers.ts';

/** A caller: an async function given its URLs, a program that finds them in its environment, or a
 * request to a service that does. */
export type Actor = ActorFunction | CommandActor | RequestActor;

/** What an exploration is about: code, unmodified, and how to judge what it left behind. */
export interface Subject {
  /**
   * SQL run in a database of its own; everything that it made is put back before every execution.
   * One transaction, unless a statement cannot run in one (VACUUM, CREATE INDEX CONCURRENTLY).
   */
  readonly setup: string;
  /**
   * Runs behind `setup`, against the servers themselves: rows and keys that take a program to make.
   * It ends its sessions. It runs once more when the callers are seen to change tables.
   */
  readonly prepare?: (pgUrl: string, redisUrls: readonly string[]) => Promise<void>;
  /**
   * Runs before every execution, when databases are as they were: for what lies outside of them (a
   * file, a role, another service).
   */
  readonly reset?: (servers: WorldServers) => Promise<void>;
  /** One entry per concurrent caller, in the order of their letters: A, B, C … */
  readonly actors: Readonly<Record<string, Actor>>;
  /**
   * SQL over committed rows; every row that it returns is a violation. A function where it asks for
   * what the callers were told.
   */
  readonly audit: string | ((ends: readonly (ActorEnd | undefined)[]) => string);
  /**
   * Judges what the callers were told, and what it finds at the servers when all is over; each string
   * that it returns is a violation.
   */
  readonly check?: (
    ends: readonly (ActorEnd | undefined)[],
    servers: WorldServers,
  ) => readonly string[] | Promise<readonly string[]>;
  /**
   * How callers may fail: each is a part of what they throw (`40001`, `exit 3`), of the status and body
   * that a service answers, or a pattern of it. Any other failure in an order without an event leaves
   * no verdict.
   */
  readonly refusals?: readonly (string | RegExp)[];
  /**
   * Names of functions, procedures and tables with triggers whose statements may be taken for one step,
   * since nothing that others do between them matters (an audit trail, say); and of tables at which a
   * statement looks that only tries for its lock. Without it these leave no verdict of `safe`.
   */
  readonly oneStep?: readonly string[];
  /** They have nothing to do with each other: that they never meet is the verdict, and a meeting a finding. */
  readonly expect?: 'independent';
  /**
   * A fresh caller, run alone when all actors have ended and every lease in Redis has passed: can
   * it still get its turn? `checkProbe` says; by default a probe that throws or never ends is stuck.
   */
  readonly probe?: Actor;
  /** Whether an order needs the probe, by how its callers ended. Default: every order does. */
  readonly probeIf?: (ends: readonly (ActorEnd | undefined)[]) => boolean;
  readonly checkProbe?: (end: ActorEnd | undefined) => readonly string[];
  /** How leases that are kept in rows end, for the events `lease-expires` and `pause`. */
  readonly leases?: readonly RowLease[];
}
