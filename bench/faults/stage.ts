/** What a fault may lay hands on while it strikes: the processes, the stores, the wire between them. */
import type { Keeper } from '../../src/services/index.ts';
import type { Times } from './fault.ts';

/** A process of the service. */
export interface StruckProcess {
  readonly index: number;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** Waits until the process of this index answers again; a killed one is replaced by another. */
  back(): Promise<void>;
  /** Resolves when it has read what was sent to it before. */
  turned(): Promise<void>;
}

/** The process that starts the others and replaces them. */
export interface StruckPrimary {
  /** From now on it may end. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when it and its processes have ended. */
  gone(): Promise<void>;
}

/** The service as a whole. */
export interface StruckService {
  readonly primary: StruckPrimary;
  /** Those that serve, in the order of their numbers. */
  readonly processes: readonly StruckProcess[];
  /**
   * Starts another service with these variables besides the usual ones; resolves when it is ready. Callers
   * are sent to it by what this resolves with; the one before goes on until its primary is told otherwise.
   */
  another(variables?: Readonly<Record<string, string>>): Promise<() => void>;
}

/** A server of a store that this run started. */
export interface StruckServer {
  readonly name: string;
  signal(name: NodeJS.Signals): void;
  /** Kills it without warning. */
  kill(): Promise<void>;
  /** Starts it again at the same address; a Redis comes back empty. */
  restart(environment?: Readonly<Record<string, string>>): Promise<void>;
}

/** A Redis, past the wire. */
export interface StruckRedis extends StruckServer {
  /** Sends one command, as its operator. */
  say(...words: readonly string[]): Promise<unknown>;
  /** Makes a replica that has everything, and cuts its link: it gets nothing from now on. */
  standBy(): Promise<void>;
  /** Kills it, and puts the replica in its place. */
  failOver(): Promise<void>;
}

/** The way between the service and one store. */
export interface StruckWire {
  /** Where the service reaches the store. */
  readonly url: string;
  /** From now on nothing passes in either direction, and nobody is told. */
  goSilent(): void;
  /** Ends the silence: connections of that time are reset, new ones pass. */
  speakAgain(): void;
  /** New connections lead to this server. */
  lead(url: string): void;
}

/** The process ids of a held command's backends: where it works, and where it holds a session lock. */
export interface HeldBackends {
  readonly work: number | undefined;
  readonly locks: number | undefined;
}

/** Runs SQL as the superuser, past the wire. */
export type Sql = (text: string, values?: readonly string[]) => Promise<unknown>;

/** What there is before and after the commands of a cell, too. */
export interface Lab {
  readonly service: StruckService;
  readonly postgres: StruckServer;
  /** The one, and the nodes of several. */
  readonly redis: { readonly one: StruckRedis; readonly nodes: readonly StruckRedis[] };
  /** The way to Postgres that the service has, and one for a service with two addresses. */
  readonly wire: StruckWire;
  readonly otherWire: StruckWire;
  /**
   * From now on the judge and `sql` look here, as a superuser: another server has taken over. Undefined:
   * where they looked at first.
   */
  readonly lookAt: (url: string | undefined) => void;
  /** The database past the wire, with the account of the service: it is no superuser. */
  readonly databaseUrl: string;
  readonly sql: Sql;
  /** Starts programs, and ends them with the run. */
  readonly keeper: Keeper;
  readonly signal: AbortSignal;
  readonly pause: (ms: number) => Promise<void>;
}

/** Owned by the run of a fault. */
export interface Surroundings {
  /** Before each injection, while there is no load: what the one before used up. */
  renew?(): Promise<void>;
  close(): Promise<void>;
}

export interface Stage {
  /** The same for all cells of a run. */
  readonly lab: Lab;
  readonly times: Times;
  /** The process that serves the held commands. */
  readonly process: StruckProcess;
  readonly service: StruckService;
  /** Those in which the struck strategies keep their locks; empty where they keep none in Redis. */
  readonly redis: readonly StruckRedis[];
  readonly postgres: StruckServer;
  /** The way to Postgres, and to each Redis of `redis`. */
  readonly wires: { readonly postgres: StruckWire; readonly redis: readonly StruckWire[] };
  readonly sql: Sql;
  /** Of each held command. */
  readonly backends: readonly HeldBackends[];
  /**
   * The struck callers close their connections. Resolves when their process has read that; undefended,
   * it is not told.
   */
  readonly leave: () => Promise<void>;
  /** The defence that the fault's control is without is missing. */
  readonly undefended: boolean;
  /** Resets the connections on which messages are held: those never arrive. */
  readonly resetHeld: () => void;
  /** Lets the held messages pass, before the healing. */
  readonly letPass: () => void;
  readonly pause: (ms: number) => Promise<void>;
}
