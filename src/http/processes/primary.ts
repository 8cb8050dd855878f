import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { freePort } from '../../services/index.ts';
import { ChangesReceiver } from '../../telemetry/changes.ts';
import type { Meter } from '../../telemetry/prometheus.ts';
import { isOurs, stopLimitMs, type ToPrimary, type ToWorker, workerVariables } from './messages.ts';
import { PageMaker } from './page.ts';

const startLimitMs = 60_000;
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;
const portsTriedMax = 5;
const settledMs = 10_000; // a process that lived this long resets the backoff

/** A slot for a worker process; its port survives a replacement. */
interface Place {
  readonly index: number;
  ownPort: number;
  worker: Worker | undefined;
  backoffMs: number;
  timer: NodeJS.Timeout | undefined;
}

export interface RunningProcess {
  readonly pid: number;
  readonly url: string;
}

export interface PrimaryOptions {
  readonly config: Config;
  /** Added to the environment of the workers. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Starts the worker processes, replaces those that die, and adds up their metrics. */
export class Primary {
  readonly #options: PrimaryOptions;
  readonly #places: readonly Place[];
  readonly #pages: PageMaker;
  #sharedPort = 0;
  #stopping = false;
  #abandoning = false;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    const { port, processes } = options.config;
    this.#places = Array.from({ length: processes }, (_, index) => ({
      index: index + 1,
      ownPort: port === 0 ? 0 : port + index + 1,
      worker: undefined,
      backoffMs: backoffFirstMs,
      timer: undefined,
    }));
    this.#pages = new PageMaker(options.meter);
    options.meter.set('lockstep_processes', {}, processes);
  }

  /** The port shared by all processes; unknown before `start`. */
  get sharedPort(): number {
    return this.#sharedPort;
  }

  /**
   * Resolves when every process listens. Rejects with the reason of the first that cannot. With
   * PORT=0, a port that has been taken in the meantime is replaced by another.
   */
  async start(): Promise<readonly RunningProcess[]> {
    const { port } = this.#options.config;
    for (let tried = 1; ; tried += 1) {
      // all processes, and their replacements later, need the same port
      this.#sharedPort = port || (await freePort());
      try {
        return await Promise.all(this.#places.map(place => this.#startFirst(place)));
      } catch (error) {
        if (port !== 0 || tried === portsTriedMax || !isTaken(error)) throw error;
        await this.#abandon();
        if (this.#stopping) throw error;
      }
    }
  }

  /** Kills what has been started, so that it can be started again. */
  async #abandon(): Promise<void> {
    this.#abandoning = true;
    for (const { worker } of this.#places) worker?.process.kill('SIGKILL');
    const alive = this.#places.filter(({ worker }) => worker && !worker.isDead());
    await Promise.all(alive.map(({ worker }) => worker && once(worker, 'exit')));
    for (const place of this.#places) place.ownPort = 0;
    this.#abandoning = false;
  }

  /** Stops every process gracefully, and kills what is left after 12 s. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const killLate = setTimeout(() => this.kill(), stopLimitMs + 2_000);
    await Promise.all(
      this.#places.map(async place => {
        clearTimeout(place.timer);
        const { worker } = place;
        if (!worker || worker.isDead()) return;
        const ended = once(worker, 'exit');
        tell(worker, { lockstep: 'stop' });
        await ended;
      }),
    );
    clearTimeout(killLate);
  }

  /** Kills every process at once. */
  kill(): void {
    this.#stopping = true;
    for (const { worker } of this.#places) worker?.process.kill('SIGKILL');
  }

  async #startFirst(place: Place): Promise<RunningProcess> {
    const worker = this.#fork(place);
    const limit = AbortSignal.timeout(startLimitMs);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isOurs<ToPrimary>(message)) return;
        if (message.lockstep === 'listening') resolve(this.#running(place));
        if (message.lockstep === 'failed') reject(new Error(message.why));
      });
      worker.once('exit', (code, signal) => reject(new Error(`it exited with ${signal ?? code}`)));
      limit.addEventListener('abort', () => reject(new Error('it did not listen in time')));
    });
  }

  #running({ worker, ownPort }: Place): RunningProcess {
    return { pid: worker?.process.pid ?? 0, url: urlOf(this.#options.config.host, ownPort) };
  }

  #fork(place: Place): Worker {
    const { environment } = this.#options;
    const worker = cluster.fork({
      ...environment,
      [workerVariables.sharedPort]: String(this.#sharedPort),
      [workerVariables.ownPort]: String(place.ownPort),
    });
    place.worker = worker;
    const received = new ChangesReceiver();
    const source = { ask: (ask: number) => tell(worker, { lockstep: 'snapshot?', ask }) };
    this.#pages.join(source);
    worker.on('message', (message: unknown) => {
      if (!isOurs<ToPrimary>(message)) return;
      if (message.lockstep === 'listening') place.ownPort = message.ownPort;
      if (message.lockstep === 'snapshot')
        this.#pages.take(source, received.apply(message.changes));
      if (message.lockstep === 'page?') void this.#sendPage(worker, message.ask);
    });
    worker.on('error', () => {}); // a broken channel is handled by 'exit'
    const startedMs = performance.now();
    worker.once('exit', (code: number, signal: string | null) =>
      this.#replace(place, { code, signal, livedMs: performance.now() - startedMs }),
    );
    // the last snapshot may arrive after the exit, so wait for both
    void Promise.all([once(worker, 'exit'), once(worker, 'disconnect')]).then(() =>
      this.#pages.leave(source),
    );
    return worker;
  }

  #replace(
    place: Place,
    end: { readonly code: number; readonly signal: string | null; readonly livedMs: number },
  ): void {
    if (this.#stopping || this.#abandoning) return;
    const { log, meter } = this.#options;
    meter.add('lockstep_process_exits_total', {});
    if (end.livedMs >= settledMs) place.backoffMs = backoffFirstMs;
    const waitMs = place.backoffMs;
    place.backoffMs = Math.min(backoffMaxMs, place.backoffMs * 2);
    const pid = place.worker?.process.pid;
    log.error(
      { process: place.index, pid, ...end, waitMs },
      'a process exited unexpectedly; replacing it',
    );
    place.timer = setTimeout(() => this.#fork(place), waitMs);
  }

  async #sendPage(worker: Worker, ask: number): Promise<void> {
    const text = await this.#pages.page().catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the metrics page could not be built');
      return '';
    });
    tell(worker, { lockstep: 'page', ask, text });
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('EADDRINUSE');

/** The URL of a process, with brackets around an IPv6 address. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function tell(worker: Worker, message: ToWorker): void {
  // a worker that is gone is handled by 'exit'
  if (worker.isConnected()) worker.process.send(message, () => {});
}
