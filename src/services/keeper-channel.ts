import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Ask, isNotice, type Notice } from './protocol.ts';

/** The keeper starts in 0.3 s, but may take much longer on a loaded machine. */
const openMs = 20_000;
/** How much of a dying keeper's output is reported. */
const errorCharacters = 2_000;

interface Waiting {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

/** The keeper's environment: none of this process's secrets or options. */
function keeperEnvironment(): Record<string, string> {
  const entries = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'].flatMap(name => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** JavaScript when compiled; from source it needs the loader that this project uses. */
function keeperArguments(): string[] {
  if (import.meta.url.endsWith('.js')) {
    return [fileURLToPath(new URL('./keeper-process.js', import.meta.url))];
  }
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', loader, fileURLToPath(new URL('./keeper-process.ts', import.meta.url))];
}

/** Sends requests to the keeper process and receives its notices. */
export class KeeperChannel {
  /** Resolves when the keeper is ready. Rejects if it exits first or takes longer than 20 s. */
  readonly opened: Promise<void>;
  /** Resolves when the keeper process has exited, for whatever reason. */
  readonly ended: Promise<void>;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #errors = '';
  #gone = false;

  constructor(onNotice: (notice: Notice) => void) {
    // In its own session, so that Ctrl-C does not reach it; and without our standard streams, so that
    // a program waiting for our output to close does not wait for the keeper.
    this.#process = spawn(process.execPath, keeperArguments(), {
      cwd: '/',
      env: keeperEnvironment(),
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.pid = this.#process.pid ?? 0;
    this.#process.stderr?.on('data', chunk => {
      this.#errors = (this.#errors + String(chunk)).slice(-errorCharacters);
    });
    this.ended = this.#untilEnded();
    this.opened = this.#untilOpen();
    this.#process.on('message', message => {
      if (isNotice(message)) this.#take(message, onNotice);
    });
    this.#process.unref();
    if (this.#process.stderr && 'unref' in this.#process.stderr) unreference(this.#process.stderr);
  }

  /** The keeper's error output, for the message about its exit. */
  get errors(): string {
    return this.#errors.trim();
  }

  /** Sends a request and waits for the answer. Rejects if it is refused or the keeper is gone. */
  ask(ask: Ask): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#gone || !this.#process.connected) {
        reject(new Error('the keeper of the child processes is gone'));
        return;
      }
      this.#lastId += 1;
      const id = this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#process.channel?.ref();
      this.#process.send({ ...ask, id }, error => {
        if (error) this.#settle(id, waiting => waiting.reject(error));
      });
    });
  }

  /** Closes the channel: the keeper stops what it still owns, and exits. */
  disconnect(): void {
    if (this.#process.connected) this.#process.disconnect();
    this.#process.ref(); // keeps this process alive until the keeper has exited
  }

  /** Kills a keeper that does not exit by itself. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #take(notice: Notice, onNotice: (notice: Notice) => void): void {
    if (notice.kind === 'answer') this.#settle(notice.id, ({ resolve }) => resolve(notice.value));
    else if (notice.kind === 'refusal') {
      this.#settle(notice.id, ({ reject }) => reject(new Error(notice.reason)));
    } else onNotice(notice);
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#process.channel?.unref();
    how(waiting);
  }

  #untilEnded(): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        this.#gone = true;
        const why = `the keeper of the child processes exited${this.#errors && `: ${this.errors}`}`;
        for (const id of [...this.#waiting.keys()]) {
          this.#settle(id, ({ reject }) => reject(new Error(why)));
        }
        resolve();
      };
      this.#process.once('exit', end);
      this.#process.on('error', error => {
        this.#errors += error.message;
        end();
      });
    });
  }

  #untilOpen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill();
        reject(new Error(`the keeper of the child processes did not start within ${openMs} ms`));
      }, openMs);
      const listen = (message: unknown) => {
        if (!isNotice(message) || message.kind !== 'ready') return;
        clearTimeout(timer);
        this.#process.off('message', listen);
        this.#process.channel?.unref();
        resolve();
      };
      this.#process.on('message', listen);
      this.ended.then(() => {
        clearTimeout(timer);
        reject(new Error(`the keeper of the child processes did not start: ${this.errors}`));
      });
    });
  }
}

function unreference(stream: object): void {
  // A pipe to a child is a socket, although its type is only a readable stream.
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}
