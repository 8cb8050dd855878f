import pg from 'pg';
import type { Load, Query } from '../../src/contract/index.ts';
import type { Registry } from '../../src/engine/registry.ts';
import { post } from '../http/requests.ts';

export interface LoadOptions {
  readonly databaseUrl: string;
  readonly registry: Registry;
  /** Of single processes: rivals have to meet in different ones. */
  readonly urls: readonly string[];
  readonly strategies: readonly string[];
}

/** Rivals on every scenario, under several strategies in turn, until it is stopped. */
export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #client: pg.Client;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #sent = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#client = new pg.Client({ connectionString: options.databaseUrl });
  }

  /** Commands that were answered, however. */
  get sent(): number {
    return this.#sent;
  }

  async start(): Promise<void> {
    await this.#client.connect();
    this.#running = this.#run();
  }

  /** Rejects with what went wrong meanwhile. */
  async stop(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#running;
    } finally {
      await this.#client.end();
    }
  }

  async #run(): Promise<void> {
    const { registry, strategies } = this.#options;
    while (!this.#stopped)
      for (const { registered } of registry.scenarios.values())
        for (const strategy of strategies)
          if (!this.#stopped) await this.#round(registered.load, strategy);
  }

  async #round(load: Load, strategy: string): Promise<void> {
    const plan = { rounds: 1, rivals: 4, doubleTapShare: 0.2, random: Math.random };
    const rounds = await load(plan, this.#query);
    const { urls } = this.#options;
    const headers = { 'lock-strategy': strategy };
    await Promise.all(
      rounds
        .flatMap(({ calls }) => calls)
        .map(async ({ path, body }, index) => {
          await post(`${urls[index % urls.length]}${path}`, body, { headers });
          this.#sent += 1;
        }),
    );
  }

  readonly #query: Query = async <R>({ text }: { text: string }, values: readonly unknown[]) =>
    (await this.#client.query<R & object>(text, [...values])).rows;
}
