import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type ChildSpec, defaultStop, type Exit } from './protocol.ts';

/** After the end of a child its last output is waited for at most this long. */
const lastOutputMs = 300;
/** Not even SIGKILL ends a process that sleeps in the kernel; then it is given up. */
const killWaitMs = 2_000;

/** A longer line is cut in pieces. */
const lineCharactersMax = 16_384;

/** A log that cannot be written, as on a full disk, must not end the servers. */
function append(file: string, chunk: Buffer): void {
  try {
    appendFileSync(file, chunk);
  } catch {
    // the tail still has it
  }
}

/** Calls `onLine` for each line, at last for one without an end. */
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

/** A child of the keeper: its own process group, its last output, its end. */
export class KeptChild {
  readonly spec: ChildSpec;
  /** Resolves when the child has ended and its last output is in. */
  readonly ended: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #alive = true;

  /** Starts the child at once. `started` tells whether that worked. */
  constructor(spec: ChildSpec, onLine?: (line: string) => void) {
    this.spec = spec;
    this.#process = spawn(spec.command, spec.args, {
      cwd: spec.cwd ?? '/',
      env: spec.env,
      detached: true,
      stdio: [spec.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(spec.account ? { uid: spec.account.uid, gid: spec.account.gid } : {}),
    });
    // A child that ends before it has read all of its input is told by its exit code.
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(spec.stdin);
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => this.#keep(chunk));
      if (output && onLine) splitLines(output, onLine);
    }
    this.ended = this.#untilEnded();
    this.ended.catch(() => {}); // who is interested also waits for `started`
  }

  /** Resolves with the process id, or rejects where the command could not be executed. */
  started(): Promise<number> {
    const { pid } = this.#process;
    if (pid !== undefined) return Promise.resolve(pid);
    return this.ended.then(() => Promise.reject(new Error(`${this.spec.name} has no process`)));
  }

  signal(name: NodeJS.Signals): void {
    if (this.#alive) this.#process.kill(name);
  }

  /** Goes through the stages until the child has ended, with SIGKILL as the last. */
  async stop(): Promise<void> {
    for (const { signal, waitMs } of this.spec.stop ?? defaultStop) {
      if (!this.#alive) break;
      this.#process.kill(signal);
      this.#process.kill('SIGCONT'); // a frozen process does not act on anything but SIGKILL
      await this.#endedWithin(waitMs);
    }
    if (this.#alive) this.killGroup();
    await this.#endedWithin(killWaitMs);
  }

  /** Ends the child and what it has started in its group, at once. */
  killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is empty: nobody is left behind.
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
        this.killGroup(); // grandchildren end with the child
        const finish = () => {
          clearTimeout(timer);
          resolve({ code, signal, tail: Buffer.concat(this.#chunks).toString().trim() });
        };
        // A grandchild in a session of its own may hold the pipe open for longer.
        const timer = setTimeout(finish, lastOutputMs);
        this.#process.once('close', finish);
      });
    });
  }
}
