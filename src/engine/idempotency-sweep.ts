import { type Query, sql } from '../contract/index.ts';

export interface SweepOptions {
  readonly query: Query;
  /** Minimum retention of a key. */
  readonly keptMs: number;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

const everyDefaultMs = 60_000;
const batchesMax = 50;

// every process sweeps and skips rows that another one is deleting
const sweep = sql<{ key: string }>`
  with removed as (
    delete from lockstep_idempotency_keys where key in (
      select key from lockstep_idempotency_keys
      where created_at < now() - make_interval(secs => $1::double precision / 1000)
      order by created_at limit 1000
      for update skip locked
    ) returning key
  ), unlisted as (
    delete from lockstep_idempotency_commands listed using removed where listed.key = removed.key
  )
  select key from removed`;

/** Removes expired idempotency keys. */
export class KeySweep {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  start(): void {
    const { everyMs = everyDefaultMs, onError } = this.#options;
    this.#timer = setInterval(() => {
      this.#running = this.run().catch(onError);
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Removes what has expired, up to a bound, and returns how many rows that were. */
  async run(): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < batchesMax; batch += 1) {
      const rows = await this.#options.query(sweep, [this.#options.keptMs]);
      removed += rows.length;
      if (rows.length === 0) break;
    }
    return removed;
  }
}
