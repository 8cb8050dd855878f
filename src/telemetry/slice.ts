import type { Pool } from 'pg';
import type { Violation } from '../contract/index.ts';
import type { Ask } from './findings.ts';

/** What the sweep needs of a scenario. */
export interface Swept {
  readonly name: string;
  readonly auditSql: string;
  /** `$1`: the id after which to go on, `$2`: how many; ascending ids as column `id`. */
  readonly auditKeysSql: string;
}

/** No statement of a sweep may hold its snapshot longer: an old one keeps vacuum from its work. */
export const sliceMaxMs = 1_000;
const sliceTargetMs = 200;
const keysUsually = 1_000;
const keysMin = 10;
const keysMax = 2_000;
const restFactor = 4; // of the time that a slice took: at most a fifth of one backend
const lapPauseUsuallyMs = 60_000;
const queryCanceled = '57014';

/** $1: names. Rows of scenarios that are no longer there stay: they may come back. */
const insertSweeps = `
  insert into lockstep_sweeps (scenario) select unnest($1::text[]) on conflict do nothing`;

const selectLaps = `
  select scenario, extract(epoch from lap_ended_at)::float8 as seconds
  from lockstep_sweeps where scenario = any ($1::text[])`;

/** The slice that waits longest, unless another process has it. */
const claimSlice = `
  select scenario, after_key from lockstep_sweeps
  where scenario = any ($1::text[]) and due_at <= now()
  order by due_at limit 1 for no key update skip locked`;

/** $2: where to go on, $3: the pause in ms, $4: whether this was the end of a lap. */
const endSlice = `
  update lockstep_sweeps
  set after_key = $2, due_at = clock_timestamp() + $3 * interval '1 ms',
    lap_ended_at = case when $4 then clock_timestamp() else lap_ended_at end
  where scenario = $1`;

/** A slice that was judged. */
export interface Slice {
  readonly scenario: string;
  readonly keys: number;
  /** True for the last one of a lap. */
  readonly ended: boolean;
  readonly found: readonly Violation[];
}

export interface SlicesOptions {
  readonly pool: Pool;
  readonly scenarios: readonly Swept[];
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

  /** Makes the cursors where they are missing; returns when the last lap of each ended. */
  async begin(): Promise<readonly { readonly scenario: string; readonly seconds: number }[]> {
    return this.#connected(async ask => {
      await ask(insertSweeps, [this.#names]);
      return ask(selectLaps, [this.#names]);
    });
  }

  /** Judges the slice that is due; undefined where none is. */
  async next(): Promise<Slice | undefined> {
    return this.#connected(async ask => {
      await ask('begin isolation level read committed', []);
      try {
        await ask(`set local statement_timeout = ${sliceMaxMs}`, []);
        const slice = await this.#slice(ask);
        await ask('commit', []);
        return slice;
      } catch (error) {
        await ask('rollback', []);
        throw error;
      }
    });
  }

  /** Runs statements on one connection, which is closed where anything fails. */
  async #connected<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
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

  async #slice(ask: Ask): Promise<Slice | undefined> {
    const [claimed] = await ask<{ scenario: string; after_key: string }>(claimSlice, [this.#names]);
    const swept = this.#options.scenarios.find(({ name }) => name === claimed?.scenario);
    if (!claimed || !swept) return undefined;
    const limit = this.#sizes.get(swept.name) ?? this.#options.keysPerSlice ?? keysUsually;
    const startMs = performance.now();
    const { keys, found } = await this.#judge(ask, swept, claimed.after_key, limit);
    const tookMs = performance.now() - startMs;
    this.#resize(swept.name, limit, tookMs);
    const ended = keys.length < limit;
    const pauseMs = ended ? (this.#options.lapPauseMs ?? lapPauseUsuallyMs) : restFactor * tookMs;
    await ask(endSlice, [swept.name, ended ? '0' : keys.at(-1), Math.round(pauseMs), ended]);
    return { scenario: swept.name, keys: keys.length, ended, found };
  }

  async #judge(
    ask: Ask,
    { name, auditSql, auditKeysSql }: Swept,
    after: string,
    limit: number,
  ): Promise<{ readonly keys: readonly string[]; readonly found: readonly Violation[] }> {
    try {
      const keys = (await ask<{ id: string }>(auditKeysSql, [after, limit])).map(row => row.id);
      if (keys.length === 0) return { keys, found: [] };
      return { keys, found: await ask<Violation>(auditSql, [keys, [], [], []]) };
    } catch (error) {
      if (codeOf(error) === queryCanceled) this.#resize(name, limit, sliceMaxMs);
      throw error;
    }
  }

  /** Halves what took too long, doubles what took little; a size that was asked for stays. */
  #resize(name: string, keys: number, tookMs: number): void {
    if (this.#options.keysPerSlice !== undefined) return;
    const factor = tookMs > sliceTargetMs ? 0.5 : tookMs < sliceTargetMs / 4 ? 2 : 1;
    this.#sizes.set(name, Math.min(keysMax, Math.max(keysMin, Math.floor(keys * factor))));
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
