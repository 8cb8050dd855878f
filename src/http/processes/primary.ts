import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { freePort } from '../../services/index.ts';
import { ChangesReceiver } from '../../telemetry/changes.ts';
import type { Meter } from '../../telemetry/prometheus.ts';
import { isOurs, stopLimitMs, type ToPrimary, type ToWorker, workerVariables } from './messages.ts';
import { PageMaker } from './page.ts';
import { type Said, Watch, type Watched } from './watch.ts';

const startLimitMs = 60_000;
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;
const portsTriedMax = 5;
const settledMs = 10_000; // a process that lived this long resets the backoff

/** A slot for a worker process; its port survives a replacement. */
interface Slot {
  readonly index: number;
  ownPort: number;
  worker: Worker | undefined;
  /** It has told that it listens. */
  listens: boolean;
  said: Said | undefined;
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
  readonly #slots: readonly Slot[];
  readonly #pages: PageMaker;
  #sharedPort = 0;
  #watch: Watch | undefined;
  #stopping = false;
  #abandoning = false;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    const { port, processes } = options.config;
    this.#slots = Array.from({ length: processes }, (_, index) => ({
      index: index + 1,
      ownPort: port === 0 ? 0 : port + index + 1,
      worker: undefined,
      listens: false,
      said: undefined,
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
        return await Promise.all(this.#slots.map(slot => this.#startFirst(slot)));
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
    for (const { worker } of this.#slots) worker?.process.kill('SIGKILL');
    const alive = this.#slots.filter(({ worker }) => worker && !worker.isDead());
    await Promise.all(alive.map(({ worker }) => worker && once(worker, 'exit')));
    for (const slot of this.#slots) slot.ownPort = 0;
    this.#abandoning = false;
  }

  /** Replaces processes that are stuck, from now on. */
  watch(): void {
    const { config, log, meter } = this.#options;
    const { processes, stuckMs } = config;
    if (stuckMs === 0 || this.#stopping) return;
    const reach = reachable[config.host] ?? config.host;
    meter.add('lockstep_processes_stuck_total', {}, 0);
    this.#watch = new Watch({
      watched: () => this.#slots.flatMap(slot => this.#watched(slot, reach)),
      processes,
      sharedUrl: urlOf(reach, this.#sharedPort),
      stuckMs,
      kill: ({ index, pid }, stuckForMs) => {
        meter.add('lockstep_processes_stuck_total', {});
        log.error(
          { process: index, pid, stuckForMs },
          'a process takes no connections; killing it',
        );
        this.#slots[index - 1]?.worker?.process.kill('SIGKILL');
      },
      leave: ({ index, pid }) =>
        log.warn({ process: index, pid }, 'a process is stopped by a signal; it is left alone'),
    });
    this.#watch.start();
  }

  #watched({ index, ownPort, worker, listens, said }: Slot, host: string): readonly Watched[] {
    const pid = worker?.process.pid;
    if (!worker || !listens || pid === undefined || worker.isDead()) return [];
    const ask = (): void => tell(worker, { lockstep: 'taken?' });
    return [{ index, pid, url: urlOf(host, ownPort), said, ask }];
  }

  /** Stops every process gracefully, and kills what is left 12 s after the lame duck. */
  async stop(lameDuckMs: number): Promise<void> {
    this.#stopping = true;
    this.#watch?.stop();
    const killLate = setTimeout(() => this.kill(), lameDuckMs + stopLimitMs + 2_000);
    await Promise.all(
      this.#slots.map(async slot => {
        clearTimeout(slot.timer);
        const { worker } = slot;
        if (!worker || worker.isDead()) return;
        const ended = once(worker, 'exit');
        tell(worker, { lockstep: 'stop', lameDuckMs });
        await ended;
      }),
    );
    clearTimeout(killLate);
  }

  /** Kills every process at once. */
  kill(): void {
    this.#stopping = true;
    for (const { worker } of this.#slots) worker?.process.kill('SIGKILL');
  }

  async #startFirst(slot: Slot): Promise<RunningProcess> {
    const worker = this.#fork(slot);
    const limit = AbortSignal.timeout(startLimitMs);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isOurs<ToPrimary>(message)) return;
        if (message.lockstep === 'listening') resolve(this.#running(slot));
        if (message.lockstep === 'failed') reject(new Error(message.why));
      });
      worker.once('exit', (code, signal) => reject(new Error(`it exited with ${signal ?? code}`)));
      limit.addEventListener('abort', () => reject(new Error('it did not listen in time')));
    });
  }

  #running({ worker, ownPort }: Slot): RunningProcess {
    return { pid: worker?.process.pid ?? 0, url: urlOf(this.#options.config.host, ownPort) };
  }

  #fork(slot: Slot): Worker {
    const { environment } = this.#options;
    const worker = cluster.fork({
      ...environment,
      [workerVariables.sharedPort]: String(this.#sharedPort),
      [workerVariables.ownPort]: String(slot.ownPort),
    });
    slot.worker = worker;
    slot.listens = false;
    slot.said = undefined;
    const received = new ChangesReceiver();
    const source = { ask: (ask: number) => tell(worker, { lockstep: 'snapshot?', ask }) };
    this.#pages.join(source);
    worker.on('message', (message: unknown) => {
      if (!isOurs<ToPrimary>(message)) return;
      if (message.lockstep === 'listening') {
        slot.ownPort = message.ownPort;
        slot.listens = true;
      }
      if (message.lockstep === 'taken') slot.said = { taken: message.connections };
      if (message.lockstep === 'snapshot')
        this.#pages.take(source, received.apply(message.changes));
      if (message.lockstep === 'page?') void this.#sendPage(worker, message.ask);
    });
    worker.on('error', () => {}); // a broken channel is handled by 'exit'
    const startedMs = performance.now();
    worker.once('exit', (code: number, signal: string | null) =>
      this.#replace(slot, { code, signal, livedMs: performance.now() - startedMs }),
    );
    // the last snapshot may arrive after the exit, so wait for both
    void Promise.all([once(worker, 'exit'), once(worker, 'disconnect')]).then(() =>
      this.#pages.leave(source),
    );
    return worker;
  }

  #replace(
    slot: Slot,
    end: { readonly code: number; readonly signal: string | null; readonly livedMs: number },
  ): void {
    if (this.#stopping || this.#abandoning) return;
    const { log, meter } = this.#options;
    meter.add('lockstep_process_exits_total', {});
    if (end.livedMs >= settledMs) slot.backoffMs = backoffFirstMs;
    const waitMs = slot.backoffMs;
    slot.backoffMs = Math.min(backoffMaxMs, slot.backoffMs * 2);
    const pid = slot.worker?.process.pid;
    log.error(
      { process: slot.index, pid, ...end, waitMs },
      'a process exited unexpectedly; replacing it',
    );
    slot.timer = setTimeout(() => this.#fork(slot), waitMs);
  }

  async #sendPage(worker: Worker, ask: number): Promise<void> {
    const text = await this.#pages.page().catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the metrics page could not be built');
      return '';
    });
    tell(worker, { lockstep: 'page', ask, text });
  }
}

/** Where a process that listens everywhere is to be found. */
const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

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
