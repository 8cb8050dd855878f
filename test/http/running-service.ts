import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { until } from '../fixtures/gate.ts';
import { programArgs } from '../fixtures/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Cores that are busy with other tests must not look like a Postgres that is away, nor like a stuck process. */
const usual = {
  PORT: '0',
  CONNECT_TIMEOUT_MS: '30000',
  WAIT_MS: '30000',
  LAME_DUCK_MS: '0',
  STUCK_MS: '0',
};

export interface Limits {
  /** How many files each of its processes may open. */
  readonly openFiles?: number;
}

/** `npm start` as a child. */
export class RunningService {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly #errors: string[] = [];
  #exited: Promise<unknown[]>;

  constructor(environment: Readonly<Record<string, string>>, { openFiles }: Limits = {}) {
    const { PATH = '', HOME = '' } = process.env;
    const program = [process.execPath, ...programArgs('src/main')];
    const limited = ['sh', '-c', 'ulimit -n "$0" && exec "$@"', String(openFiles), ...program];
    const [command = '', ...args] = openFiles === undefined ? program : limited;
    this.child = spawn(command, args, {
      cwd: root,
      env: { ...usual, PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.child, 'exit');
    const { stdout, stderr } = this.child;
    if (stdout) createInterface({ input: stdout }).on('line', line => this.lines.push(line));
    stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get errors(): string {
    return this.#errors.join('');
  }

  /** Resolves with what the ready line says; rejects when the child ends before it. */
  async ready(): Promise<Ready> {
    await until(
      'the service is ready',
      () => {
        if (this.child.exitCode !== null) throw new Error(`the service ended: ${this.errors}`);
        return this.lines.some(isReady);
      },
      startMaxMs,
    );
    const line = JSON.parse(this.lines.find(isReady) ?? '{}');
    return { url: String(line.url), processes: processesOf(line.processes) };
  }

  /** The exit code; null where a signal ended it. */
  async ended(): Promise<number | null> {
    await this.#exited;
    return this.child.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** SIGTERM, and SIGKILL where that does not help. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    this.child.kill('SIGTERM');
    await this.#exited;
    clearTimeout(kill);
    return this.child.exitCode;
  }
}

/** A service for the whole file or block: ready before its first test, stopped after the last. */
export function servingService(
  environment: Readonly<Record<string, string>>,
  limits: Limits = {},
): {
  readonly service: RunningService;
  readonly ready: () => Ready;
} {
  const service = new RunningService(environment, limits);
  let ready: Ready | undefined;
  beforeAll(async () => {
    ready = await service.ready();
  }, startMaxMs);
  afterAll(() => service.stop());
  return {
    service,
    ready: () => {
      if (!ready) throw new Error('the service is not ready yet');
      return ready;
    },
  };
}

export interface Ready {
  readonly url: string;
  readonly processes: readonly { readonly pid: number; readonly url: string }[];
}

/** A process starts within 2 s, but not on cores that are busy with other tests. */
export const startMaxMs = 60_000;

const isReady = (line: string): boolean => line.includes('"msg":"ready"');

function processesOf(value: unknown): Ready['processes'] {
  if (!Array.isArray(value)) return [];
  return value.map(({ pid, url }) => ({ pid: Number(pid), url: String(url) }));
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
