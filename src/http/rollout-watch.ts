import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { Assignments } from '../rollout/assignments.ts';
import { Controller } from '../rollout/controller.ts';
import { Listener } from '../rollout/listener.ts';
import { type Rollout, Rollouts, type RunSql } from '../rollout/rollouts.ts';
import { reasonAgainstStart, type Start } from '../rollout/start-check.ts';
import { type CuttableClient, clientAt } from '../store/connection.ts';

export interface RolloutOptions {
  readonly pool: Pool;
  readonly databaseUrl: string;
  /** Behind a pooler in transaction mode nothing can be listened to: polling has to do. */
  readonly pooler: boolean;
  readonly connectTimeoutMs: number;
  /** How long a group of keys may be kept closed while it changes hands. */
  readonly pauseMs: number;
  readonly log: Logger;
}

const statementMaxMs = 2_000;

/** Names both arms: a key that both of them served is to blame on the change. */
const firstViolation = `
  select format('%s on key %s under %s: %s', kind, key, strategy, detail) as why
  from lockstep_violations
  where scenario = $1 and found_at >= $2 and strategy in ($3, 'mixed')
  order by id limit 1`;

/** What this process believes of the assignments, and its part in moving them. */
export class RolloutWatch {
  readonly assignments: Assignments;
  readonly rollouts: Rollouts;
  readonly #runSql: RunSql;
  readonly #listener: Listener | undefined;
  readonly #controller: Controller;

  constructor(options: RolloutOptions) {
    const { pool, pooler, pauseMs } = options;
    const tell = toldOnce(options.log);
    this.#runSql = async <R extends object>(text: string, values: readonly unknown[]) => {
      const bounded = { text, values: [...values], query_timeout: statementMaxMs };
      const { rows } = await pool.query<R>(bounded);
      tell(undefined);
      return rows;
    };
    this.assignments = new Assignments({ runSql: text => this.#runSql(text, []), onError: tell });
    this.rollouts = new Rollouts(this.#runSql);
    const client = (name: string) => () => clientOf(options, `lockstep ${name}`);
    const heard = (): void => void this.assignments.refresh();
    this.#listener = pooler ? undefined : new Listener({ client: client('listener'), heard });
    this.#controller = new Controller({
      rollouts: this.rollouts,
      connect: async () => {
        const driver = client('rollout')();
        await driver.connect();
        return driver;
      },
      failing: rollout => this.#failing(rollout),
      pauseMs,
      onError: tell,
    });
  }

  async start(): Promise<void> {
    await this.assignments.start();
    this.#listener?.start();
    this.#controller.start();
  }

  async stop(): Promise<void> {
    await this.#controller.stop();
    await this.#listener?.stop();
    await this.assignments.stop();
  }

  /** Why a rollout may not start now: who else serves on this database, and what is assigned. */
  notNow(asked: Start): Promise<string | undefined> {
    return reasonAgainstStart(this.#runSql, asked);
  }

  /** A violation on a key of the new strategy, or on one that both have served. */
  async #failing({ scenario, to, startedAt }: Rollout): Promise<string | undefined> {
    const rows = await this.#runSql<{ why: string }>(firstViolation, [scenario, startedAt, to]);
    return rows[0]?.why;
  }
}

function clientOf({ databaseUrl, connectTimeoutMs }: RolloutOptions, name: string): CuttableClient {
  return new (clientAt(databaseUrl))({
    connectionString: databaseUrl,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: name,
    keepAlive: true,
  });
}

/** Logs the first of a row of errors; `undefined` ends the row. */
function toldOnce(log: Logger): (error: unknown) => void {
  let away = false;
  return error => {
    if (error !== undefined && !away)
      log.warn({ err: error }, 'cannot read or move the assignments of keys; retrying');
    away = error !== undefined;
  };
}
