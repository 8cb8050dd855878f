import pg from 'pg';
import { createDatabase } from '../../explore/run/database.ts';
import { PostgresControl } from '../../explore/run/postgres-control.ts';
import { runSetup } from '../../explore/run/setup.ts';
import type { ServerUrls, Subject } from '../../explore/run/stage.ts';

/** A database as every order begins with, in which statements are planned and never run. */
export class Planner {
  readonly #client: pg.Client;
  readonly #drop: () => Promise<void>;

  private constructor(client: pg.Client, drop: () => Promise<void>) {
    this.#client = client;
    this.#drop = drop;
  }

  static async open(
    { template, setup, prepare }: Subject,
    { pgUrl, redisUrls = [] }: ServerUrls,
  ): Promise<Planner> {
    const database = await createDatabase(pgUrl, template);
    const client = new pg.Client({ connectionString: database.url, application_name: 'lockstep' });
    client.on('error', () => undefined); // the query tells
    try {
      const control = new PostgresControl(database.url);
      await control.open();
      await runSetup(control, setup).finally(() => control.close());
      await prepare?.(database.url, redisUrls);
      await client.connect();
      return new Planner(client, () => database.drop());
    } catch (error) {
      await client.end().catch(() => undefined);
      await database.drop();
      throw error;
    }
  }

  /** Why Postgres refuses a statement, in its own words; undefined where it does not. */
  async refusal(text: string): Promise<string | undefined> {
    const generic = await this.#error(`explain (generic_plan) ${text}`);
    if (generic === undefined || !/unrecognized EXPLAIN option|syntax error/.test(generic))
      return generic;
    return this.#error(`prepare planned as ${text}`); // before Postgres 16
  }

  /** Why a definition cannot be made over the rows that are there; nothing of it stays. */
  async objection(definition: string): Promise<string | undefined> {
    return this.#error(definition);
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
    await this.#drop();
  }

  async #error(text: string): Promise<string | undefined> {
    await this.#client.query('begin');
    try {
      await this.#client.query(text);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await this.#client.query('rollback');
    }
  }
}
