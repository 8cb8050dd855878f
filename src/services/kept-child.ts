import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type ChildSpec, defaultStop, type Exit } from './protocol.ts';

/** How long to wait for the last output of an exited child. */
const lastOutputMs = 300;
/** How long to wait after SIGKILL: a process in uninterruptible sleep cannot be killed. */
const killWaitMs = 2_000;

/** Longer lines are split. */
const lineCharactersMax = 16_384;

/** Ignores errors: a log that cannot be written (disk full) must not stop the servers. */
function append(file: string, chunk: Buffer): void {
  try {
    appendFileSync(file, chunk);
  } catch {
    // still in the tail
  }
}

/** Calls `onLine` for each line, including an unterminated last one. */
function splitLines(output: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  const flush = () => {
    if (begun !== '') onLine(begun);
    begun = '';
  };
  output.on('data', (chunk: Buffer) => {
    const lines = (begun + decoder.write(chunk)).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (begun.length >= lineCharactersMax) flush();
  });
  output.on('end', flush);
}

/** A child of the keeper, in its own process group, with the tail of its output. */
export class KeptChild {
  readonly spec: ChildSpec;
  /** Resolves when the child has exited and its last output has arrived. */
  readonly ended: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #alive = true;

  /** Spawns the child immediately; `started` reports whether that succeeded. */
  constructor(spec: ChildSpec, onLine?: (line: string) => void) {
    this.spec = spec;
    this.#process = spawn(spec.command, spec.args, {
      cwd: spec.cwd ?? '/',
      env: spec.env,
      detached: true,
      stdio: [spec.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(spec.account ? { uid: spec.account.uid, gid: spec.account.gid } : {}),
    });
    // A child that exits before reading all its input is reported by its exit code.
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(spec.stdin);
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => this.#keep(chunk));
      if (output && onLine) splitLines(output, onLine);
    }
    this.ended = this.#untilEnded();
    this.ended.catch(() => {}); // callers see the error through `started`
  }

  /** Resolves with the process id, or rejects if the command could not be executed. */
  started(): Promise<number> {
    const { pid } = this.#process;
    if (pid !== undefined) return Promise.resolve(pid);
    return this.ended.then(() => Promise.reject(new Error(`${this.spec.name} has no process`)));
  }

  signal(name: NodeJS.Signals): void {
    if (this.#alive) this.#process.kill(name);
  }

  /** Goes through the stop stages until the child has exited, finally with SIGKILL. */
  async stop(): Promise<void> {
    for (const { signal, waitMs } of this.spec.stop ?? defaultStop) {
      if (!this.#alive) break;
      this.#process.kill(signal);
      this.#process.kill('SIGCONT'); // a stopped process reacts only to SIGKILL
      await this.#endedWithin(waitMs);
    }
    if (this.#alive) this.killGroup();
    await this.#endedWithin(killWaitMs);
  }

  /** Kills the child's whole process group. */
  killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is empty.
    }
  }

  #keep(chunk: Buffer): void {
    if (this.spec.logFile !== undefined) append(this.spec.logFile, chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const bound = this.spec.tailBytes ?? 16_384;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= bound) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
  }

  #endedWithin(waitMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, waitMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.ended.then(done, done);
    });
  }

  #untilEnded(): Promise<Exit> {
    return new Promise((resolve, reject) => {
      this.#process.once('error', error => {
        this.#alive = this.#process.pid !== undefined && this.#alive;
        if (this.#process.pid === undefined) reject(error);
      });
      this.#process.once('exit', (code, signal) => {
        this.#alive = false;
        this.killGroup(); // ends the grandchildren too
        const finish = () => {
          clearTimeout(timer);
          resolve({ code, signal, tail: Buffer.concat(this.#chunks).toString().trim() });
        };
        // A grandchild in its own session may keep the pipe open.
        const timer = setTimeout(finish, lastOutputMs);
        this.#process.once('close', finish);
      });
    });
  }
}
