import type { Pool } from 'pg';
import type { Violation } from '../contract/index.ts';
import type { RunSql } from './findings.ts';

/** What the sweep needs from a scenario. */
export interface SweptScenario {
  readonly name: string;
  readonly auditSql: string;
  /** `$1`: the id to continue after, `$2`: the limit; returns ascending ids in column `id`. */
  readonly auditKeysSql: string;
}

/** Statement timeout of a sweep: an old snapshot keeps vacuum from removing dead rows. */
export const sliceMaxMs = 1_000;
const sliceTargetMs = 200;
const keysDefault = 1_000;
const keysMin = 10;
const keysMax = 2_000;
const restFactor = 4; // times the duration of a slice: at most a fifth of one backend's time
const lapPauseDefaultMs = 60_000;
const queryCanceled = '57014';

/** $1: names. Rows of removed scenarios stay, since they may come back. */
const insertSweeps = `
  insert into lockstep_sweeps (scenario) select unnest($1::text[]) on conflict do nothing`;

const selectLaps = `
  select scenario, extract(epoch from lap_ended_at)::float8 as seconds
  from lockstep_sweeps where scenario = any ($1::text[])`;

/** The slice that has been due longest, unless another process has it. */
const claimSlice = `
  select scenario, after_key from lockstep_sweeps
  where scenario = any ($1::text[]) and due_at <= now()
  order by due_at limit 1 for no key update skip locked`;

/** $2: where to continue, $3: the pause in ms, $4: whether this was the end of a lap. */
const endSlice = `
  update lockstep_sweeps
  set after_key = $2, due_at = clock_timestamp() + $3 * interval '1 ms',
    lap_ended_at = case when $4 then clock_timestamp() else lap_ended_at end
  where scenario = $1`;

/** An audited slice. */
export interface Slice {
  readonly scenario: string;
  readonly keys: number;
  /** True for the last slice of a lap. */
  readonly ended: boolean;
  readonly found: readonly Violation[];
}

export interface SlicesOptions {
  readonly pool: Pool;
  readonly scenarios: readonly SweptScenario[];
  readonly keysPerSlice?: number;
  /** From the end of a lap to the start of the next. */
  readonly lapPauseMs?: number;
}

/** The slices of all scenarios, shared with every other process through their cursors. */
export class Slices {
  readonly #options: SlicesOptions;
  readonly #names: readonly string[];
  readonly #sizes = new Map<string, number>();

  constructor(options: SlicesOptions) {
    this.#options = options;
    this.#names = options.scenarios.map(({ name }) => name);
  }

  /** Creates missing cursors; returns when the last lap of each ended. */
  async begin(): Promise<readonly { readonly scenario: string; readonly seconds: number }[]> {
    return this.#connected(async runSql => {
      await runSql(insertSweeps, [this.#names]);
      return runSql(selectLaps, [this.#names]);
    });
  }

  /** Audits the next slice; undefined if none is due. */
  async next(): Promise<Slice | undefined> {
    return this.#connected(async runSql => {
      await runSql('begin isolation level read committed', []);
      try {
        await runSql(`set local statement_timeout = ${sliceMaxMs}`, []);
        const slice = await this.#slice(runSql);
        await runSql('commit', []);
        return slice;
      } catch (error) {
        await runSql('rollback', []);
        throw error;
      }
    });
  }

  /** Runs statements on one connection, which is closed if anything fails. */
  async #connected<T>(work: (runSql: RunSql) => Promise<T>): Promise<T> {
    const client = await this.#options.pool.connect();
    let broken = true;
    try {
      const done = await work(
        async <R extends object>(text: string, values: readonly unknown[]) => {
          const bounded = { text, values: [...values], query_timeout: 2 * sliceMaxMs };
          return (await client.query<R>(bounded)).rows;
        },
      );
      broken = false;
      return done;
    } finally {
      client.release(broken);
    }
  }

  async #slice(runSql: RunSql): Promise<Slice | undefined> {
    const [claimed] = await runSql<{ scenario: string; after_key: string }>(claimSlice, [
      this.#names,
    ]);
    const swept = this.#options.scenarios.find(({ name }) => name === claimed?.scenario);
    if (!claimed || !swept) return undefined;
    const limit = this.#sizes.get(swept.name) ?? this.#options.keysPerSlice ?? keysDefault;
    const startMs = performance.now();
    const { keys, found } = await this.#audit(runSql, swept, claimed.after_key, limit);
    const tookMs = performance.now() - startMs;
    this.#resize(swept.name, limit, tookMs);
    const ended = keys.length < limit;
    const pauseMs = ended ? (this.#options.lapPauseMs ?? lapPauseDefaultMs) : restFactor * tookMs;
    await runSql(endSlice, [swept.name, ended ? '0' : keys.at(-1), Math.round(pauseMs), ended]);
    return { scenario: swept.name, keys: keys.length, ended, found };
  }

  async #audit(
    runSql: RunSql,
    { name, auditSql, auditKeysSql }: SweptScenario,
    after: string,
    limit: number,
  ): Promise<{ readonly keys: readonly string[]; readonly found: readonly Violation[] }> {
    try {
      const keys = (await runSql<{ id: string }>(auditKeysSql, [after, limit])).map(row => row.id);
      if (keys.length === 0) return { keys, found: [] };
      return { keys, found: await runSql<Violation>(auditSql, [keys, [], [], []]) };
    } catch (error) {
      if (codeOf(error) === queryCanceled) this.#resize(name, limit, sliceMaxMs);
      throw error;
    }
  }

  /**
   * Halves the slice size if it took too long, doubles it if it was fast; a configured size stays.
   */
  #resize(name: string, keys: number, tookMs: number): void {
    if (this.#options.keysPerSlice !== undefined) return;
    const factor = tookMs > sliceTargetMs ? 0.5 : tookMs < sliceTargetMs / 4 ? 2 : 1;
    this.#sizes.set(name, Math.min(keysMax, Math.max(keysMin, Math.floor(keys * factor))));
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
