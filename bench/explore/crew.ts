/** Explores many cells in several worker processes, within one time limit for all. */
import { type ChildProcess, fork } from 'node:child_process';
import { ownProgram } from './own-process.ts';
import type { CellSpec, Reach } from './spec.ts';
import type { ExploredCell } from './verdict.ts';
import type { WorkerAnswer, WorkerOrder, WorkerStart, WorkerStop } from './worker-process.ts';

export interface CrewOptions extends Omit<WorkerStart, 'kind'> {
  readonly workers: number;
  readonly reach: Reach;
  /** Limit for all cells together. */
  readonly secondsMax: number;
  /** Limit for one cell, on top of its share of the total. */
  readonly cellSecondsMax: number;
  readonly explored: (cell: ExploredCell) => void;
  readonly signal: AbortSignal;
}

/** Cells differ in size: one may take this many times its even share. */
const sharesMax = 2.5;
const leastSeconds = 1;
/** Beyond its own limit a worker gets this long to close what it has open. */
const graceMs = 30_000;

/** From an interruption to the answer with what was found so far. */
const stopMs = 10_000;

/**
 * Resolves to cells in the order of `specs`, without those that were not started in time. When
 * interrupted, the last cell of each worker is partial. Rejects if a worker fails.
 */
export async function exploreAll(
  specs: readonly CellSpec[],
  options: CrewOptions,
): Promise<ExploredCell[]> {
  const lastMs = performance.now() + options.secondsMax * 1_000;
  const waiting = specs.map((spec, index) => ({ spec, index }));
  const found = new Map<number, ExploredCell>();
  const count = Math.max(1, Math.min(options.workers, specs.length));
  const work = async (): Promise<void> => {
    const worker = new Worker(options.signal);
    try {
      await worker.start(options);
      for (;;) {
        const leftSeconds = (lastMs - performance.now()) / 1_000;
        const cells = waiting.length;
        const next = waiting.shift();
        if (!next || leftSeconds <= 0 || options.signal.aborted) return;
        const share = (leftSeconds * count * sharesMax) / cells;
        const most = Math.min(options.cellSecondsMax, leftSeconds, Math.max(leastSeconds, share));
        const reach = next.spec.firstOnly ? { ...options.reach, firstOnly: true } : options.reach;
        const order = { spec: next.spec, reach, secondsMax: most } as const;
        const cell = await worker.explore({ kind: 'explore', ...order });
        found.set(next.index, cell);
        options.explored(cell);
      }
    } catch (error) {
      if (!options.signal.aborted) throw error;
    } finally {
      await worker.end();
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return [...found].sort(([a], [b]) => a - b).map(([, cell]) => cell);
}

class Worker {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    const { file, execArgv } = ownProgram('worker-process');
    this.#child = fork(file, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('error', () => {}); // likewise
    this.#signal = signal;
  }

  async start(options: CrewOptions): Promise<void> {
    const { databaseUrl, redisUrl, redisNodeUrls, strategyFiles } = options;
    const given = { databaseUrl, redisUrl, redisNodeUrls, strategyFiles };
    await this.#ask({ kind: 'start', ...given }, graceMs);
  }

  async explore(order: WorkerOrder): Promise<ExploredCell> {
    const answer = await this.#ask(order, order.secondsMax * 1_000 + graceMs);
    if (answer.kind !== 'explored') throw new Error('an explorer process gave no result');
    return answer.cell;
  }

  /** Resolves when the process has exited; kills it if it does not exit in time. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise(resolve => child.once('exit', resolve));
    const ms = this.#signal.aborted ? stopMs : graceMs;
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(timer);
  }

  #ask(message: WorkerStart | WorkerOrder, withinMs: number): Promise<WorkerAnswer> {
    const child = this.#child;
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', answered);
        child.off('exit', exited);
        signal.removeEventListener('abort', aborted);
        act();
      };
      const answered = (answer: WorkerAnswer): void =>
        end(() => (answer.kind === 'failed' ? reject(new Error(answer.why)) : resolve(answer)));
      const fail = (why: string) => () => end(() => reject(new Error(why)));
      const exited = fail('an explorer process exited early');
      // a start has no result yet; a cell answers with what was found so far
      const aborted = (): void => {
        clearTimeout(timer);
        const asked = message.kind === 'explore' && child.connected;
        if (asked) child.send({ kind: 'stop' } satisfies WorkerStop, () => {}); // its exit tells
        timer = setTimeout(fail('interrupted'), asked ? stopMs : 0);
      };
      let timer = setTimeout(
        fail(`an explorer process did not answer within ${withinMs} ms`),
        withinMs,
      );
      child.once('message', answered);
      child.once('exit', exited);
      if (signal.aborted) return fail('interrupted')();
      signal.addEventListener('abort', aborted, { once: true });
      child.send(message, () => {}); // a worker that is gone is told by its exit
    });
  }
}
