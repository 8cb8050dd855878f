/** What a fault may lay hands on while it strikes: one process, the stores, the wire between them. */
import type { Times } from './fault.ts';

/** A process of the service. */
export interface StruckProcess {
  readonly index: number;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** Waits until the process of this index answers again; a killed one is replaced by another. */
  back(): Promise<void>;
}

/** A server of a store that this run started. */
export interface StruckServer {
  readonly name: string;
  signal(name: NodeJS.Signals): void;
  /** Kills it without warning. */
  kill(): Promise<void>;
  /** Starts it again at the same address; a Redis comes back empty. */
  restart(): Promise<void>;
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
  /** From now on nothing passes in either direction, and nobody is told. */
  goSilent(): void;
  /** Ends the silence: connections of that time are reset, new ones pass. */
  speakAgain(): void;
}

export interface Stage {
  readonly times: Times;
  /** The process that serves the held command. */
  readonly process: StruckProcess;
  /** Those in which the strategy keeps its locks; empty where it keeps none in Redis. */
  readonly redis: readonly StruckRedis[];
  readonly postgres: StruckServer;
  /** The way to Postgres, and to each Redis of `redis`. */
  readonly wires: { readonly postgres: StruckWire; readonly redis: readonly StruckWire[] };
  /** Runs SQL as the superuser, past the wire. */
  readonly sql: (text: string, values?: readonly string[]) => Promise<unknown>;
  /** The process ids of the held command's backends: where it works, and where it holds a session lock. */
  readonly backends: { readonly work: number | undefined; readonly locks: number | undefined };
  /** Lets the held message pass, before the healing. */
  readonly letPass: () => void;
  readonly pause: (ms: number) => Promise<void>;
}
