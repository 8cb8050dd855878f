/**
 * What the keeper process and its owner say to each other, over the IPC channel between them.
 * Both ends are always of one version: they are started from the same folder.
 */

/** One step of ending a child: send the signal, wait this long for the end, then go on. */
export interface StopStage {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** Who runs the child, where it is not the user who runs the keeper (which must be root then). */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A child to start. Secrets go through `env` or `stdin`, never through `args`, which `ps` shows. */
export interface ChildSpec {
  /** For messages: "postgres", "service 2". */
  readonly name: string;
  /** Absolute path: nothing is looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: the root folder, so that no folder is held by a child. */
  readonly cwd?: string;
  readonly account?: Account;
  /** Written to the child, then its input is closed. Without it the input is empty. */
  readonly stdin?: string;
  /** Clients end before servers, so that a server's stop does not wait for connections. */
  readonly role: 'server' | 'client';
  /** Default: SIGTERM and 3 s. SIGKILL to the child's whole process group always follows. */
  readonly stop?: readonly StopStage[];
  /** Everything that the child prints is appended here too. */
  readonly logFile?: string;
  /** How much of what it prints last is kept; default 16 KiB. */
  readonly tailBytes?: number;
}

/** How a child ended. One of `code` and `signal` is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it printed, standard output and standard error in the order of arrival. */
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

/** An answered request: exactly one `answer` or `refusal` with the same id comes back. */
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

/** Tells the keeper's messages from others on the channel (a loader may use it too). */
export function isNotice(message: unknown): message is Notice {
  const kinds = ['ready', 'answer', 'refusal', 'exit', 'line'];
  return hasKind(message) && kinds.some(kind => kind === message.kind);
}

/** Tells the owner's requests from other messages on the channel. */
export function isRequest(message: unknown): message is Request {
  return hasKind(message) && 'id' in message && typeof message.id === 'number';
}

/** SIGTERM, and 3 s to end: what a child gets that names no stages of its own. */
export const defaultStop: readonly StopStage[] = [{ signal: 'SIGTERM', waitMs: 3_000 }];
