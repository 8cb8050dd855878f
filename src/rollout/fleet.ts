import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Schema } from '../store/migrate.ts';
import type { NamedStrategy } from './both.ts';
import { unproved } from './mover.ts';
import { areSafeSideBySide } from './side-by-side.ts';

/** Who serves on this database: one row per process, renewed while it runs. */
export const fleetSchema: Schema = {
  name: 'fleet',
  schemaSql: `
create table if not exists lockstep_processes (
  id uuid primary key,
  strategy text not null,
  seen_at timestamptz not null default now()
)`,
  migrations: [
    {
      name: 'fleet/migrations/0001-who-proves.sql',
      sql: `
-- builds that prove the epoch of each decision say so; see rollout/assignment-schema.ts
alter table lockstep_processes add column if not exists proves boolean not null default false`,
    },
    {
      name: 'fleet/migrations/0002-what-it-has-heard.sql',
      sql: `
-- the sum of the epochs that a process knows, which only rises; and where it runs
alter table lockstep_processes
  add column if not exists heard numeric,
  add column if not exists heard_at timestamptz,
  add column if not exists runs_at text`,
    },
  ],
};

/** How the work connections of a process name themselves that proves nothing, and those of older builds. */
export const workNames = { proved: 'lockstep proved', unproved: 'lockstep' } as const;
const ormSuffix = ' sequelize';

/** The same for the connections of the ORM. */
export const ormNameOf = (workName: string): string => workName + ormSuffix;

/**
 * Fails while somebody may decide who does not prove: a process that says so, or a session of one that
 * says nothing because it is frozen. In a transaction that assigns keys: no such process can say that
 * it is there before the assignment is, and the first thing that it does after saying so is to look.
 */
export const allProveSql = `
  lock table lockstep_processes in share mode;
  do $$
  declare found text;
  begin
    select format('%s × a process under STRATEGY=%s', count(*), min(strategy)) into found
    from lockstep_processes
    where not proves and seen_at > clock_timestamp() - interval '20 seconds' having count(*) > 0;
    if found is null then
      select format('%s × a session such as pid %s', count(*), min(pid)) into found
      from pg_stat_activity
      where datname = current_database()
        and application_name in ('${workNames.unproved}', '${workNames.unproved}${ormSuffix}')
      having count(*) > 0;
    end if;
    if found is not null then
      raise exception using errcode = '${unproved}', message = found || ' on this database does not '
        || 'prove under which strategy it decides: replace or end it first';
    end if;
  end $$;`;

/**
 * The reverse, for each new work connection of a process that proves nothing: fails once keys are assigned.
 * Who assigns meanwhile is waited for: from then on it sees the session, or the session sees the assignment.
 */
export const noneAssignedSql = `
  begin isolation level read committed;
  lock table lockstep_processes in row exclusive mode;
  do $$ begin
    if exists (select from lockstep_assignments) then
      raise exception using errcode = '${unproved}', message = 'a rollout has assigned keys to '
        || 'strategies, and this process would not prove under which one it decides: '
        || 'start it with ROLLOUTS=1';
    end if;
  end $$;
  commit`;

const beatEveryMs = 5_000;
/** Four missed beats: the process has died, or cannot reach the database and so decides nothing. */
const aliveSeconds = 20;

const beat = `
  with own as (
    insert into lockstep_processes (id, strategy, proves, runs_at) values ($1, $2, $4, $5)
    on conflict (id) do update set seen_at = now()
  )
  select strategy from lockstep_processes
  where seen_at > now() - make_interval(secs => $3) group by strategy`;

const forgetDead = `
  delete from lockstep_processes where id in (
    select id from lockstep_processes where seen_at < now() - interval '1 hour'
    limit 1000 for update skip locked
  )`;

const leave = 'delete from lockstep_processes where id = $1';

type RunSql = (text: string, values: readonly unknown[]) => Promise<readonly object[]>;

/** Two strategies that serve at the same time and are not known to exclude each other. */
export type Pair = readonly [one: string, other: string];

export interface FleetOptions {
  /** Runs one statement within a bound; a beat that fails is only late. */
  readonly runSql: RunSql;
  /** The strategy of this process. */
  readonly strategy: NamedStrategy;
  /** Finds what another process runs; undefined if it is unknown here. */
  readonly find: (name: string) => NamedStrategy | undefined;
  /** Called after each beat with the pairs that serve together. */
  readonly met: (pairs: readonly Pair[], strategies: readonly string[]) => void;
  readonly onError: (error: unknown) => void;
  /** Whether its commands prove under which strategy they decide. */
  readonly proves?: boolean;
  readonly everyMs?: number;
}

/**
 * Tells whether the processes on one database, of whatever replica, exclude each other. One statement
 * every 5 s, beside the commands; a process that has died is forgotten after 20 s.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #id = randomUUID();
  #pairs: readonly Pair[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Of this process. */
  get id(): string {
    return this.#id;
  }

  /** As of the last beat. */
  get pairs(): readonly Pair[] {
    return this.#pairs;
  }

  /** Resolves after the first beat, so that a process that starts knows whom it meets. */
  async start(): Promise<void> {
    const { runSql, onError, everyMs = beatEveryMs } = this.#options;
    await runSql(forgetDead, []).catch(onError);
    await this.#beat();
    this.#timer = setInterval(() => {
      this.#running = this.#beat();
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#options.runSql(leave, [this.#id]).catch(() => {}); // forgotten after 20 s anyway
  }

  async #beat(): Promise<void> {
    const { runSql, strategy, met, onError } = this.#options;
    try {
      const { proves = false } = this.#options;
      const values = [
        this.#id,
        strategy.name,
        aliveSeconds,
        proves,
        `${hostname()}:${process.pid}`,
      ];
      const rows = await runSql(beat, values);
      const others = rows.flatMap(row => ('strategy' in row ? [String(row.strategy)] : []));
      const names = [...new Set([strategy.name, ...others])].sort();
      this.#pairs = this.#unsafeOf(names);
      met(this.#pairs, names);
    } catch (error) {
      onError(error);
    }
  }

  #unsafeOf(names: readonly string[]): readonly Pair[] {
    const { find } = this.#options;
    return names.flatMap((one, index) =>
      names.slice(index + 1).flatMap((other): readonly Pair[] => {
        const [a, b] = [find(one), find(other)];
        return a && b && areSafeSideBySide(a, b) ? [] : [[one, other]];
      }),
    );
  }
}
