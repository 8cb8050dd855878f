import { tmpdir } from 'node:os';
import { type Child, endOf, StartFailed, type StartOptions, untilReady } from './child.ts';
import { KeeperChannel } from './keeper-channel.ts';
import { endOrphans } from './orphans.ts';
import type { Account, ChildSpec, Exit, Notice } from './protocol.ts';

export { type Child, StartFailed, type StartOptions } from './child.ts';
export type { Account, ChildSpec, Exit, StopStage } from './protocol.ts';

/** Longer than the keeper's own limit of 12 s. */
const closeMs = 15_000;
const readyMs = 30_000;
/** How much output of a command is kept: far more than package or library lists need. */
const runTailBytes = 262_144;

interface Known {
  readonly spec: ChildSpec;
  readonly onLine: ((line: string) => void) | undefined;
  readonly onExit: (exit: Exit) => void;
  readonly exited: Promise<Exit>;
  pid?: number;
  /** True for a server between ready and stop, when an exit is unexpected. */
  isServing: boolean;
}

/**
 * Starts a keeper. `report` receives one-line messages when a server or the keeper itself exits
 * unexpectedly; in the latter case this process stops what the keeper owned. Rejects if the keeper
 * does not start within 20 s.
 */
export async function openKeeper(report: (line: string) => void): Promise<Keeper> {
  const keeper = new Keeper(report);
  await keeper.opened;
  return keeper;
}

/**
 * Owns processes and folders, and cleans them up however this process ends, even by SIGKILL. Only
 * pending requests keep this process alive. Create it with `openKeeper`.
 */
export class Keeper {
  readonly opened: Promise<void>;
  readonly #channel: KeeperChannel;
  readonly #report: (line: string) => void;
  readonly #children = new Map<number, Known>();
  readonly #paths = new Set<string>();
  #lastChild = 0;
  #closed: Promise<void> | undefined;

  constructor(report: (line: string) => void) {
    this.#report = report;
    this.#channel = new KeeperChannel(notice => this.#take(notice));
    this.opened = this.#channel.opened;
    this.#channel.ended.then(() => {
      if (this.#closed) return;
      const said = this.#channel.errors;
      report(`the keeper of the child processes exited${said === '' ? '' : `: ${said}`}`);
      this.#closed = this.#endOrphans().then(() => this.#tellEnds());
    });
  }

  /** The process id of the keeper. */
  get pid(): number {
    return this.#channel.pid;
  }

  /**
   * Starts a child and waits until it is ready. On failure stops it and rejects with StartFailed.
   */
  async start(spec: ChildSpec, options: StartOptions = {}): Promise<Child> {
    this.#lastChild += 1;
    const key = this.#lastChild;
    const known = this.#know(key, spec, options.onLine);
    const lines = options.onLine !== undefined;
    const ask = this.#channel.ask({ kind: 'start', child: key, spec, lines });
    const pid = Number(
      await ask.catch((error: Error) => {
        this.#children.delete(key);
        throw new Error(`${spec.name} could not be started: ${error.message}`);
      }),
    );
    known.pid = pid;
    const { exited } = known;
    const stop = () => {
      known.isServing = false;
      // If the keeper is gone, it or its owner has stopped the child.
      const asked = this.#channel.ask({ kind: 'stop', child: key });
      return asked.catch(() => {}).then(() => exited);
    };
    const signal = async (name: NodeJS.Signals) => {
      await this.#channel.ask({ kind: 'signal', child: key, signal: name });
    };
    const child = { name: spec.name, pid, exited, stop, signal };
    if (options.ready) await untilReady(child, options.ready, options.readyMs ?? readyMs);
    known.isServing = spec.role === 'server';
    return child;
  }

  #know(key: number, spec: ChildSpec, onLine: ((line: string) => void) | undefined): Known {
    let onExit: Known['onExit'] = () => {};
    const exited = new Promise<Exit>(resolve => {
      onExit = resolve;
    });
    const known = { spec, onLine, onExit, exited, isServing: false };
    this.#children.set(key, known);
    return known;
  }

  /** Runs a command to completion, with any exit code. Rejects with StartFailed on timeout. */
  async run(spec: Omit<ChildSpec, 'role'>, withinMs: number): Promise<Exit> {
    const child = await this.start({ tailBytes: runTailBytes, ...spec, role: 'client' });
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      child.stop().catch(() => {}); // a keeper that is gone has stopped the command too
    }, withinMs);
    const exit = await child.exited;
    clearTimeout(timer);
    if (overdue) throw new StartFailed(spec.name, `did not finish within ${withinMs} ms`, exit);
    return exit;
  }

  /** Creates a folder of mode 0700 that is removed on close. */
  async folder(base: string = tmpdir(), account?: Account): Promise<string> {
    const ask = { kind: 'make folder', base, ...(account ? { account } : {}) } as const;
    const path = await this.#channel.ask(ask);
    this.#paths.add(path);
    return path;
  }

  /** Takes ownership of a path, before it exists: it is removed on close unless disowned. */
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
   * Stops clients, then servers, and removes the folders; takes at most 15 s. Idempotent, and safe
   * at any time: a pending start is stopped too.
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

  /** Resolves the exits of remaining children, whose notices were lost with the keeper. */
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
    const known = this.#children.get(notice.child);
    this.#children.delete(notice.child);
    if (!known) return;
    known.onExit(notice.exit);
    if (!known.isServing || this.#closed) return;
    const why = `${endOf(notice.exit)} unexpectedly`;
    this.#report(new StartFailed(known.spec.name, why, notice.exit).message);
  }
}
