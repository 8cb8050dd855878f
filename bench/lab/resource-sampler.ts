/** Samples resource use under load, twice a second. A failed sample is skipped. */
import { readdir, readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { deltaOf, type Page, scrape } from './scrape.ts';
import type { Usage } from './shapes.ts';
import type { Inside, Target } from './target.ts';

interface Sample {
  readonly atMs: number;
  readonly page: Page;
  readonly cpu: Usage['cpu'];
  readonly statements: number | null;
  readonly walBytes: number | null;
  readonly connections: number | null;
  readonly redisCommands: number | null;
}

export interface MeasuredCell {
  readonly scenario: string;
  readonly strategy: string;
}

export interface LoadTimes {
  /** Start of the load, in epoch milliseconds. */
  readonly startedAtMs: number;
  /** From the start to the last answer. */
  readonly lastAnswerMs: number;
}

const everyMs = 500;
const samplesMax = 10_000;

/** Samples one cell: owns a connection to Postgres and one to each Redis, until `close`. */
export class ResourceSampler {
  readonly #target: Target;
  readonly #samples: Sample[] = [];
  readonly #postgres: pg.Client | undefined;
  readonly #redis: readonly Redis[];
  #k6Pid: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sampling: Promise<void> = Promise.resolve();

  private constructor(target: Target, postgres: pg.Client | undefined) {
    this.#target = target;
    this.#postgres = postgres;
    this.#redis = (target.inside?.redisUrls ?? []).map(url => {
      const redis = new Redis(url, { maxRetriesPerRequest: 1 });
      redis.on('error', () => {}); // the next command reports it
      return redis;
    });
  }

  static async open(target: Target): Promise<ResourceSampler> {
    const { inside } = target;
    if (!inside) return new ResourceSampler(target, undefined);
    const connectionString = inside.databaseUrl;
    const client = new pg.Client({
      connectionString,
      application_name: 'bench sampler',
      query_timeout: 5_000,
    });
    client.on('error', () => {}); // the next query reports it
    await client.connect();
    return new ResourceSampler(target, client);
  }

  /** Samples from now on; `k6Pid` is the load generator. */
  start(k6Pid: number): void {
    this.#k6Pid = k6Pid;
    const next = (): void => {
      this.#sampling = this.#sample().finally(() => {
        if (this.#samples.length < samplesMax) this.#timer = setTimeout(next, everyMs);
      });
    };
    next();
  }

  /** Takes a last sample; returns what was used in all, and between the first and last sample in the load. */
  async stop(plan: MeasuredCell, k6: LoadTimes | undefined): Promise<Measured> {
    clearTimeout(this.#timer);
    await this.#sampling;
    clearTimeout(this.#timer);
    await this.#sample();
    const cell = { scenario: plan.scenario, strategy: plan.strategy };
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last) return { whole: undefined, load: undefined, usage: undefined };
    const whole = deltaOf(first.page, last.page, cell);
    const endMs = (k6?.startedAtMs ?? 0) + (k6?.lastAnswerMs ?? 0);
    const inside = this.#samples.filter(
      ({ atMs }) => atMs >= (k6?.startedAtMs ?? 0) && atMs <= endMs,
    );
    const [from, to] = [inside[0], inside.at(-1)];
    if (!from || !to || from === to) return { whole, load: undefined, usage: undefined };
    const load = deltaOf(from.page, to.page, cell);
    return { whole, load, usage: usageOf(inside, from, to, load.commands.accepted?.count ?? 0) };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const redis of this.#redis) redis.disconnect();
    await this.#postgres?.end().catch(() => {});
  }

  async #sample(): Promise<void> {
    const { processUrls, url, inside } = this.#target;
    try {
      const page = await scrape(processUrls[0] ?? url, AbortSignal.timeout(5_000));
      const [cpu, postgres, redisCommands] = await Promise.all([
        this.#cpu(inside),
        this.#counted(),
        this.#redisCommands(),
      ]);
      this.#samples.push({ atMs: Date.now(), page, cpu, redisCommands, ...postgres });
    } catch {
      // the service may be overloaded, which the results of the load show anyway
    }
  }

  async #cpu(inside: Inside | undefined): Promise<Usage['cpu']> {
    const { user, system } = process.cpuUsage();
    const [service, postgres, redis, k6] = await Promise.all([
      cpuSeconds(inside?.pids.service ?? []),
      cpuSeconds(inside?.pids.postgres ?? [], 'with children'),
      cpuSeconds(inside?.pids.redis ?? []),
      cpuSeconds(this.#k6Pid === undefined ? [] : [this.#k6Pid]),
    ]);
    return { service, postgres, redis, k6, bench: (user + system) / 1e6 };
  }

  async #counted(): Promise<Pick<Sample, 'statements' | 'walBytes' | 'connections'>> {
    const nothing = { statements: null, walBytes: null, connections: null };
    if (!this.#postgres) return nothing;
    const { rows } = await this.#postgres.query<{ wal: string; connections: number }>(`
      select (pg_current_wal_insert_lsn() - '0/0')::text as wal,
        (select count(*)::integer from pg_stat_activity
         where datname = current_database() and application_name like 'lockstep%'
           and application_name <> 'lockstep compare') as connections`);
    const statements = await this.#postgres
      .query<{ calls: string }>(`
        select coalesce(sum(calls), 0)::text as calls from pg_stat_statements s
        join pg_database d on d.oid = s.dbid
        where d.datname = current_database() and query not like '%pg_stat_%'`)
      .then(
        found => Number(found.rows[0]?.calls ?? 0),
        () => null,
      );
    const [row] = rows;
    return row ? { statements, walBytes: Number(row.wal), connections: row.connections } : nothing;
  }

  async #redisCommands(): Promise<number | null> {
    if (this.#redis.length === 0) return null;
    const pages = await Promise.all(this.#redis.map(redis => redis.info('commandstats')));
    return pages
      .flatMap(page => [...page.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)])
      .filter(([, name = '']) => !/^(info|ping|hello|client|auth|select|command)\b/.test(name))
      .reduce((sum, [, , calls]) => sum + Number(calls), 0);
  }
}

export interface Measured {
  readonly whole: ReturnType<typeof deltaOf> | undefined;
  readonly load: ReturnType<typeof deltaOf> | undefined;
  readonly usage: Usage | undefined;
}

function usageOf(samples: readonly Sample[], from: Sample, to: Sample, accepted: number): Usage {
  const since = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? null : Math.max(0, b - a);
  const most = (values: readonly (number | null)[]): number | null => {
    const known = values.filter(value => value !== null);
    return known.length > 0 ? Math.max(...known) : null;
  };
  return {
    seconds: (to.atMs - from.atMs) / 1_000,
    accepted,
    cpu: {
      service: since(from.cpu.service, to.cpu.service),
      postgres: since(from.cpu.postgres, to.cpu.postgres),
      redis: since(from.cpu.redis, to.cpu.redis),
      k6: since(from.cpu.k6, to.cpu.k6),
      bench: to.cpu.bench - from.cpu.bench,
    },
    statements: since(from.statements, to.statements),
    redisCommands: since(from.redisCommands, to.redisCommands),
    walBytes: since(from.walBytes, to.walBytes),
    connections: most(samples.map(sample => sample.connections)),
    eventLoopLagSeconds: most(
      samples.map(
        ({ page }) =>
          page.find(sample => sample.name === 'nodejs_eventloop_lag_p99_seconds')?.value ?? null,
      ),
    ),
  };
}

/** `getconf CLK_TCK`: 100 on every Linux that Node supports. */
const ticksPerSecond = 100;

/**
 * CPU seconds since the start of the processes, or null where there is no /proc. A child that has
 * exited counts towards its parent.
 */
export async function cpuSeconds(
  pids: readonly number[],
  children?: 'with children',
): Promise<number | null> {
  if (pids.length === 0) return null;
  const all = children ? [...pids, ...(await childrenOf(new Set(pids)))] : pids;
  const stats = await Promise.all(all.map(statOf));
  if (stats.every(stat => stat === undefined)) return null;
  const ticks = stats.flatMap(stat => {
    if (!stat) return [];
    const parent = children && pids.includes(stat.pid);
    return [stat.own + (parent ? stat.endedChildren : 0)];
  });
  return ticks.reduce((sum, one) => sum + one, 0) / ticksPerSecond;
}

/** See proc(5): the name may contain spaces, so fields are counted after its closing parenthesis. */
async function statOf(pid: number) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent = 0, utime = 0, stime = 0, cutime = 0, cstime = 0] = [1, 11, 12, 13, 14].map(
    index => Number(fields[index]),
  );
  return { pid, parent, own: utime + stime, endedChildren: cutime + cstime };
}

async function childrenOf(parents: ReadonlySet<number>): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter(name => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(statOf));
  return stats.flatMap(stat => (stat && parents.has(stat.parent) ? [stat.pid] : []));
}
