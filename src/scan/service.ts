import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disown, keeper } from '../explore/keeper/keeper.ts';
import { killGroup } from '../explore/keeper/marked.ts';
import { markVariable } from '../explore/keeper/owned.ts';
import type { ActorUrls } from '../explore/run/actor.ts';
import { environmentOf } from '../explore/run/child-actor.ts';
import { freePorts } from '../explore/run/free-ports.ts';
import type { Program } from './record/recording.ts';

const startMs = 60_000;
/** After SIGTERM, until the whole group is killed. */
const stopMs = 3_000;
const outputCharactersMax = 4_000;
const looksApartMs = 20;

/** The service did not start; the message has its last words. */
export class ServiceFailed extends Error {
  override readonly name = 'ServiceFailed';
}

export interface ServiceOptions {
  readonly urls: ActorUrls;
  readonly env?: Readonly<Record<string, string>>;
  /** Receives its output. */
  readonly output?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** The user's service as one process group, with our URLs in place of its own. */
export class Service {
  readonly port: number;
  /** Resolves when its process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #disown: Disown | undefined;
  #output = '';
  #hasEnded = false;

  private constructor(program: Program, port: number, options: ServiceOptions) {
    this.port = port;
    const [file, ...values] = program.command;
    const { REDIS_URL: _somebodyElses, ...environment } = process.env;
    this.#child = spawn(file, values, {
      cwd: program.cwd,
      env: {
        ...environment,
        ...options.env,
        ...environmentOf(options.urls),
        PORT: String(port),
        [markVariable]: keeper().mark,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = this.#child;
    if (pid !== undefined) this.#disown = keeper().own({ kind: 'group', id: pid });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-outputCharactersMax);
      options.output?.(chunk.toString());
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.ended = new Promise(resolve => {
      this.#child.on('error', error => {
        this.#output += error.message;
        this.#hasEnded = true;
        resolve();
      });
      this.#child.on('close', () => {
        this.#hasEnded = true;
        resolve();
      });
    });
  }

  /** Starts it on a free port and waits until it listens there. Rejects with ServiceFailed. */
  static async start(program: Program, options: ServiceOptions): Promise<Service> {
    const [port = 0] = await freePorts(1);
    const service = new Service(program, port, options);
    try {
      await service.#listening(options.signal);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** Asks it to end, and ends what is left of its group after 3 s. Idempotent. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined || this.#disown === undefined) return;
    if (!this.#hasEnded) {
      try {
        process.kill(-pid, 'SIGTERM');
      } catch {
        // it has ended in the meantime
      }
      const waits = new AbortController();
      await Promise.race([
        this.ended,
        sleep(stopMs, undefined, { signal: waits.signal }).catch(() => undefined),
      ]);
      waits.abort();
    }
    killGroup(pid);
    await this.ended;
    this.#disown();
    this.#disown = undefined;
  }

  async #listening(signal: AbortSignal | undefined): Promise<void> {
    const untilMs = performance.now() + startMs;
    while (performance.now() < untilMs) {
      signal?.throwIfAborted();
      if (this.#hasEnded)
        throw new ServiceFailed(`the service ended before it listened: ${this.#output.trim()}`);
      if (await answers(this.port)) return;
      await sleep(looksApartMs);
    }
    throw new ServiceFailed(
      `nobody listens on PORT=${this.port} within ${startMs / 1_000} s: does the service take its ` +
        `port from the variable PORT? Its last words: ${this.#output.trim()}`,
    );
  }
}

async function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
