/**
 * The messages between the keeper process and its owner, over an IPC channel. Both always run the
 * same version, since they are started from the same folder.
 */

/** One step of stopping a child: send the signal, wait this long for the exit, then go on. */
export interface StopStage {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** The account to run a child as, if not the keeper's own; requires a keeper that runs as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A child to start. Pass secrets in `env` or `stdin`, never in `args`, which `ps` shows. */
export interface ChildSpec {
  /** For messages: "postgres", "service 2". */
  readonly name: string;
  /** Absolute path; PATH is not searched. */
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: the root folder, so that children keep no folder busy. */
  readonly cwd?: string;
  readonly account?: Account;
  /** Written to the child's standard input, which is then closed. Default: empty input. */
  readonly stdin?: string;
  /** Clients are stopped before servers, so that servers need not wait for connections to close. */
  readonly role: 'server' | 'client';
  /** Default: SIGTERM and 3 s. Always followed by SIGKILL to the whole process group. */
  readonly stop?: readonly StopStage[];
  /** The child's output is also appended to this file. */
  readonly logFile?: string;
  /** How much of the end of the output is kept; default 16 KiB. */
  readonly tailBytes?: number;
}

/** How a child exited. One of `code` and `signal` is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its output, with standard output and standard error interleaved. */
  readonly tail: string;
}

export type Ask =
  | {
      readonly kind: 'start';
      readonly child: number;
      readonly spec: ChildSpec;
      readonly lines: boolean;
    }
  | { readonly kind: 'stop'; readonly child: number }
  | { readonly kind: 'signal'; readonly child: number; readonly signal: NodeJS.Signals }
  | { readonly kind: 'make folder'; readonly base: string; readonly account?: Account }
  | { readonly kind: 'own path'; readonly path: string }
  | { readonly kind: 'disown path'; readonly path: string }
  | { readonly kind: 'remove path'; readonly path: string }
  | { readonly kind: 'close' };

/** A request; exactly one `answer` or `refusal` with the same id follows. */
export type Request = Ask & { readonly id: number };

export type Notice =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly value: string }
  | { readonly kind: 'refusal'; readonly id: number; readonly reason: string }
  | { readonly kind: 'exit'; readonly child: number; readonly exit: Exit }
  | { readonly kind: 'line'; readonly child: number; readonly line: string };

function hasKind(message: unknown): message is { readonly kind: unknown } {
  return typeof message === 'object' && message !== null && 'kind' in message;
}

/** Whether a message on the channel is from the keeper (a loader may use the channel too). */
export function isNotice(message: unknown): message is Notice {
  const kinds = ['ready', 'answer', 'refusal', 'exit', 'line'];
  return hasKind(message) && kinds.some(kind => kind === message.kind);
}

/** Whether a message on the channel is a request of the owner. */
export function isRequest(message: unknown): message is Request {
  return hasKind(message) && 'id' in message && typeof message.id === 'number';
}

/** The default stop stages: SIGTERM, and 3 s to exit. */
export const defaultStop: readonly StopStage[] = [{ signal: 'SIGTERM', waitMs: 3_000 }];
