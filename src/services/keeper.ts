import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { KeeperChannel } from './keeper-channel.ts';
import { endOrphans } from './orphans.ts';
import type { Account, ChildSpec, Exit, Notice } from './protocol.ts';

export type { Account, ChildSpec, Exit, StopStage } from './protocol.ts';

/** More than the keeper's own bound of 12 s. */
const closeMs = 15_000;
const readyMs = 30_000;
const readyLookMs = 20;
/** What a command may print and have read: package lists and library lists are far below. */
const runTailBytes = 262_144;

/** A child that the keeper has started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, however that came. Does not keep this process alive. */
  readonly exited: Promise<Exit>;
  /** Goes through its stop stages, at last SIGKILL, and resolves when it has ended. Idempotent. */
  stop(): Promise<Exit>;
  /** Sends one signal, as faults need it (SIGSTOP, SIGKILL). Nothing happens when it has ended. */
  signal(name: NodeJS.Signals): Promise<void>;
}

export interface StartOptions {
  /** Called for each line that the child prints; under backlog lines are dropped, never queued. */
  readonly onLine?: (line: string) => void;
  /** Polled until true. Without it a child counts as ready as soon as it runs. */
  readonly ready?: (pid: number) => Promise<boolean>;
  /** Bound of readiness; default 30 s. */
  readonly readyMs?: number;
}

/** The child ended, or was not ready or done within its bound. Tells the last that it printed. */
export class StartFailed extends Error {
  readonly exit: Exit;
  constructor(name: string, why: string, exit: Exit) {
    super(`${name} ${why}${exit.tail === '' ? '' : `; the last it printed:\n${exit.tail}`}`);
    this.name = 'StartFailed';
    this.exit = exit;
  }
}

interface Known {
  readonly spec: ChildSpec;
  readonly onLine: ((line: string) => void) | undefined;
  readonly onExit: (exit: Exit) => void;
  pid?: number;
}

/** A process that ended. `code` is null where a signal ended it. */
function endOf(exit: Exit): string {
  return exit.code === null ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
}

/**
 * Starts a keeper. `onLost` is told when it ended without being asked to; what it owned is ended
 * from here then. Rejects when the keeper does not start within 20 s.
 */
export async function openKeeper(onLost: (why: string) => void): Promise<Keeper> {
  const keeper = new Keeper(onLost);
  await keeper.opened;
  return keeper;
}

/**
 * Owns processes and folders, and ends them with this process however it ends, SIGKILL included.
 * Only requests that are on their way keep this process alive. Get one from `openKeeper`.
 */
export class Keeper {
  readonly opened: Promise<void>;
  readonly #channel: KeeperChannel;
  readonly #children = new Map<number, Known>();
  readonly #paths = new Set<string>();
  #lastChild = 0;
  #closed: Promise<void> | undefined;

  constructor(onLost: (why: string) => void) {
    this.#channel = new KeeperChannel(notice => this.#take(notice));
    this.opened = this.#channel.opened;
    this.#channel.ended.then(() => {
      if (this.#closed) return;
      const said = this.#channel.errors;
      onLost(`the keeper of the child processes has ended${said === '' ? '' : `: ${said}`}`);
      this.#closed = this.#endOrphans().then(() => this.#tellEnds());
    });
  }

  /** The process id of the keeper. */
  get pid(): number {
    return this.#channel.pid;
  }

  /** Starts a child and waits until it is ready. Rejects with StartFailed, and ends it then. */
  async start(spec: ChildSpec, options: StartOptions = {}): Promise<Child> {
    this.#lastChild += 1;
    const key = this.#lastChild;
    const exited = new Promise<Exit>(onExit => {
      this.#children.set(key, { spec, onExit, onLine: options.onLine });
    });
    const lines = options.onLine !== undefined;
    const ask = this.#channel.ask({ kind: 'start', child: key, spec, lines });
    const pid = Number(
      await ask.catch((error: Error) => {
        this.#children.delete(key);
        throw new Error(`${spec.name} could not be started: ${error.message}`);
      }),
    );
    const known = this.#children.get(key);
    if (known) known.pid = pid;
    const child: Child = {
      name: spec.name,
      pid,
      exited,
      // A keeper that is gone has ended the child, or its owner has.
      stop: () =>
        this.#channel.ask({ kind: 'stop', child: key }).then(
          () => exited,
          () => exited,
        ),
      signal: async name => {
        await this.#channel.ask({ kind: 'signal', child: key, signal: name });
      },
    };
    if (options.ready) await this.#untilReady(child, options.ready, options.readyMs ?? readyMs);
    return child;
  }

  /** Runs a command to its end. Rejects with StartFailed past the bound; any exit code is fine. */
  async run(spec: Omit<ChildSpec, 'role'>, withinMs: number): Promise<Exit> {
    const child = await this.start({ tailBytes: runTailBytes, ...spec, role: 'client' });
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      child.stop().catch(() => {}); // a keeper that is gone has ended the command too
    }, withinMs);
    const exit = await child.exited;
    clearTimeout(timer);
    if (overdue) throw new StartFailed(spec.name, `was not done within ${withinMs} ms`, exit);
    return exit;
  }

  /** Makes a folder of mode 0700 that is removed at the end. */
  async folder(base: string = tmpdir(), account?: Account): Promise<string> {
    const ask = { kind: 'make folder', base, ...(account ? { account } : {}) } as const;
    const path = await this.#channel.ask(ask);
    this.#paths.add(path);
    return path;
  }

  /** Takes a path over before it is created: it is removed at the end unless disowned. */
  async own(path: string): Promise<void> {
    this.#paths.add(path);
    await this.#channel.ask({ kind: 'own path', path });
  }

  async disown(path: string): Promise<void> {
    this.#paths.delete(path);
    await this.#channel.ask({ kind: 'disown path', path });
  }

  /** Removes an owned path now. */
  async remove(path: string): Promise<void> {
    await this.#channel.ask({ kind: 'remove path', path });
    this.#paths.delete(path);
  }

  /**
   * Ends clients, then servers, removes the folders and waits until all of it is done; at most
   * 15 s. Idempotent, and right at any time: a start under way is ended with the rest.
   */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      this.#channel.kill();
    }, closeMs);
    const lost = await this.#channel.ask({ kind: 'close' }).then(
      () => false,
      () => true,
    );
    this.#channel.disconnect();
    await this.#channel.ended;
    clearTimeout(timer);
    if (lost || overdue) await this.#endOrphans();
    this.#tellEnds();
  }

  /** Whoever still waits for a child is told: its notice went with the keeper. */
  #tellEnds(): void {
    const unknown = { code: null, signal: 'SIGKILL', tail: '' } as const;
    for (const { onExit } of this.#children.values()) onExit(unknown);
    this.#children.clear();
  }

  async #endOrphans(): Promise<void> {
    const orphans = [...this.#children.values()].flatMap(({ pid, spec }) => {
      return pid === undefined ? [] : [{ pid, stop: spec.stop }];
    });
    await endOrphans(orphans, this.#paths);
  }

  #take(notice: Notice): void {
    if (notice.kind === 'line') this.#children.get(notice.child)?.onLine?.(notice.line);
    if (notice.kind !== 'exit') return;
    this.#children.get(notice.child)?.onExit(notice.exit);
    this.#children.delete(notice.child);
  }

  async #untilReady(
    child: Child,
    ready: (pid: number) => Promise<boolean>,
    withinMs: number,
  ): Promise<void> {
    let exit: Exit | undefined;
    child.exited.then(end => {
      exit = end;
    });
    const lastMs = performance.now() + withinMs;
    while (performance.now() < lastMs) {
      if (exit) throw new StartFailed(child.name, endOf(exit), exit);
      if (await ready(child.pid)) return;
      await delay(readyLookMs);
    }
    throw new StartFailed(child.name, `was not ready within ${withinMs} ms`, await child.stop());
  }
}
