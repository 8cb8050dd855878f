import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { until } from '../fixtures/gate.ts';
import { programArgs } from '../fixtures/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `npm start` as a child. */
export class RunningService {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly #errors: string[] = [];
  #exited: Promise<unknown[]>;

  constructor(environment: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, programArgs('src/main'), {
      cwd: root,
      // cores that are busy with other tests must not look like a Postgres that is away
      env: { PATH, HOME, PORT: '0', CONNECT_TIMEOUT_MS: '30000', WAIT_MS: '30000', ...environment },
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
export function servingService(environment: Readonly<Record<string, string>>): {
  readonly service: RunningService;
  readonly ready: () => Ready;
} {
  const service = new RunningService(environment);
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
