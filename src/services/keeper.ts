import { tmpdir } from 'node:os';
import { type Child, endOf, StartFailed, type StartOptions, untilReady } from './child.ts';
import { KeeperChannel } from './keeper-channel.ts';
import { endOrphans } from './orphans.ts';
import type { Account, ChildSpec, Exit, Notice } from './protocol.ts';

export { type Child, StartFailed, type StartOptions } from './child.ts';
export type { Account, ChildSpec, Exit, StopStage } from './protocol.ts';

/** More than the keeper's own bound of 12 s. */
const closeMs = 15_000;
const readyMs = 30_000;
/** What a command may print and have read: package lists and library lists are far below. */
const runTailBytes = 262_144;

interface Known {
  readonly spec: ChildSpec;
  readonly onLine: ((line: string) => void) | undefined;
  readonly onExit: (exit: Exit) => void;
  readonly exited: Promise<Exit>;
  pid?: number;
  /** A server from when it is ready until it is stopped: its end is news. */
  isServing: boolean;
}

/**
 * Starts a keeper. `report` is told, in lines for people, when a server ended that nobody stopped,
 * and when the keeper itself did; what it owned is ended from here then. Rejects when the keeper
 * does not start within 20 s.
 */
export async function openKeeper(report: (line: string) => void): Promise<Keeper> {
  const keeper = new Keeper(report);
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
      report(`the keeper of the child processes has ended${said === '' ? '' : `: ${said}`}`);
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
      // A keeper that is gone has ended the child, or its owner has.
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
    const known = this.#children.get(notice.child);
    this.#children.delete(notice.child);
    if (!known) return;
    known.onExit(notice.exit);
    if (!known.isServing || this.#closed) return;
    const why = `${endOf(notice.exit)} though nobody stopped it`;
    this.#report(new StartFailed(known.spec.name, why, notice.exit).message);
  }
}
