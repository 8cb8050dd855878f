/** The service of a run, in two processes: it is struck, replaced and found again. */
import { familyOf } from '../../src/explore/run/process-state.ts';
import type { Child, Services } from '../../src/services/index.ts';
import { type Environment, type StartedService, startService } from '../lab/service.ts';
import { waitMs } from '../lab/wait.ts';
import { hasEnded, tell } from './servers.ts';
import type { StruckPrimary, StruckProcess, StruckService } from './stage.ts';
import { struckProcess } from './workers.ts';

const goneMaxMs = 20_000;
const readyMaxMs = 20_000;
const answerMs = 1_000;
const lookMs = 25;

export interface LiveOptions {
  /** As the service reaches them. */
  readonly services: Services;
  readonly databaseUrl: string;
  readonly strategyFiles: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

export class LiveService implements StruckService {
  /** Of those that serve now; the same array for the whole run. */
  readonly processUrls: string[] = [];
  /** Rejects when a service ends that nobody told to. */
  readonly ended: Promise<never>;
  primaryPid = 0;
  readonly #options: LiveOptions;
  readonly #allowed = new Set<Child>();
  #processes: readonly StruckProcess[] = [];
  #spare: { readonly for: string; readonly started: StartedService } | undefined;
  #primary: StruckPrimary | undefined;
  #fail: (error: Error) => void = () => {};

  private constructor(options: LiveOptions) {
    this.#options = options;
    this.ended = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.ended.catch(() => {}); // cells race against it
  }

  /** Starts the first. Rejects with its output. */
  static async open(options: LiveOptions): Promise<LiveService> {
    const live = new LiveService(options);
    const serve = await live.another();
    serve();
    return live;
  }

  get processes(): readonly StruckProcess[] {
    return this.#processes;
  }

  get primary(): StruckPrimary {
    if (!this.#primary) throw new Error('the service has not started');
    return this.#primary;
  }

  async another(variables: Readonly<Record<string, string>> = {}): Promise<() => void> {
    const wanted = JSON.stringify(variables);
    // one that was started for a fault that did not strike
    const spare = this.#spare?.for === wanted ? this.#spare.started : undefined;
    const started = spare ?? (await this.#start(variables));
    this.#spare = { for: wanted, started };
    await this.#ready(started.processes.map(({ url }) => url));
    return () => {
      this.#spare = undefined;
      this.#serveBy(started);
    };
  }

  async #start(variables: Readonly<Record<string, string>>): Promise<StartedService> {
    const { variables: usual } = this.#options;
    const started = await startService({ ...this.#options, variables: { ...usual, ...variables } });
    const { child } = started;
    child.exited.then(exit => {
      if (this.#allowed.has(child)) return;
      const how = exit.signal ?? `code ${exit.code}`;
      this.#fail(new Error(`the service exited (${how}):\n${exit.tail}`));
    });
    return started;
  }

  #serveBy(started: StartedService): void {
    const { child, processes } = started;
    const { signal } = this.#options;
    this.#processes = processes.map(({ pid, url }, index) =>
      struckProcess({ index, pid, url, primaryPid: child.pid, signal }),
    );
    this.processUrls.splice(0, this.processUrls.length, ...processes.map(({ url }) => url));
    this.primaryPid = child.pid;
    this.#primary = this.#primaryOf(started);
  }

  #primaryOf({ child }: StartedService): StruckPrimary {
    const { signal } = this.#options;
    let family: readonly number[] = [child.pid];
    return {
      signal: name => {
        this.#allowed.add(child);
        family = familyOf(child.pid);
        tell(child.pid, name);
      },
      gone: () =>
        until(async () => family.every(hasEnded), goneMaxMs, 'the service did not end', signal),
    };
  }

  async #ready(urls: readonly string[]): Promise<void> {
    const { signal } = this.#options;
    const all = async (): Promise<boolean> => (await Promise.all(urls.map(isReady))).every(Boolean);
    await until(all, readyMaxMs, 'the service did not become ready', signal);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerMs) })).ok;
  } catch {
    return false;
  }
}

/** Waits for a condition. Rejects with `why` when it does not come in time. */
export async function until(
  is: () => Promise<boolean>,
  withinMs: number,
  why: string,
  signal: AbortSignal,
): Promise<void> {
  const lastMs = performance.now() + withinMs;
  while (!(await is())) {
    if (performance.now() > lastMs) throw new Error(`${why} within ${withinMs} ms`);
    await waitMs(lookMs, signal);
  }
}
