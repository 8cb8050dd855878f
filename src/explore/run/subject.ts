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
   * A database on the same server that is copied and `setup` then run in the copy; nobody may be
   * connected to it. Default: an empty one.
   */
  readonly template?: string;
  /**
   * SQL run in a database of its own; everything that it made is put back before every execution.
   * One transaction, unless a statement cannot run in one (VACUUM, CREATE INDEX CONCURRENTLY).
   */
  readonly setup: string;
  /**
   * Runs after `setup`, directly on the servers: for rows and keys that only a program can make. It has
   * to close its connections. It runs once more if callers turn out to change tables.
   */
  readonly prepare?: (pgUrl: string, redisUrls: readonly string[]) => Promise<void>;
  /**
   * Runs before every execution, after the databases are restored: for anything outside of them (a
   * file, a role, another service).
   */
  readonly reset?: (servers: WorldServers) => Promise<void>;
  /** One entry per concurrent caller, in the order of their letters: A, B, C … */
  readonly actors: Readonly<Record<string, Actor>>;
  /**
   * SQL over committed rows; every row that it returns is a violation. A function if it depends on
   * what the callers were told. Left out: orders are compared with serial ones, as `judge` says.
   */
  readonly audit?: string | ((ends: readonly (ActorEnd | undefined)[]) => string);
  /**
   * `serial`: an order violates also where what its callers were told, together with the rows and keys
   * that it left, equals no serial order's. Default: `audit` where there is one.
   */
  readonly judge?: 'audit' | 'serial';
  /**
   * What the comparison with serial orders leaves out: a table (`session`), a column (`users.last_seen`),
   * keys (`redis:rate:*`), a field of what callers are told (`answer:requestId`). `*` is any text.
   */
  readonly ignore?: readonly string[];
  /**
   * Checks what the callers were told, and the servers, when all is over; each returned string is a
   * violation.
   */
  readonly check?: (
    ends: readonly (ActorEnd | undefined)[],
    servers: WorldServers,
  ) => readonly string[] | Promise<readonly string[]>;
  /**
   * How callers may fail: a part of what they throw (`40001`, `exit 3`) or of the status and body that a
   * service answers, or a pattern for it. With any other failure in an order without an event there is
   * no verdict.
   */
  readonly refusals?: readonly (string | RegExp)[];
  /**
   * Names of functions, procedures and tables with triggers whose statements may be taken for one step,
   * since nothing that others do between them matters (an audit trail, say); and of tables at which a
   * statement looks that only tries for its lock. Without it these leave no verdict of `safe`.
   */
  readonly oneStep?: readonly string[];
  /** The callers should never meet: the verdict says that they do not, and a meeting is a finding. */
  readonly expect?: 'independent';
  /**
   * A fresh caller, run alone when all actors have ended and every lease in Redis has passed: can
   * it still get its turn? `checkProbe` says; by default a probe that throws or never ends is stuck.
   */
  readonly probe?: Actor;
  /** Whether an order needs the probe, by how its callers ended. Default: every order does. */
  readonly probeIf?: (ends: readonly (ActorEnd | undefined)[]) => boolean;
  readonly checkProbe?: (end: ActorEnd | undefined) => readonly string[];
  /** How leases stored in rows end, for the events `lease-expires` and `pause`. */
  readonly leases?: readonly RowLease[];
}
