import pg from 'pg';
import { Failure, type Query, type Value } from '../contract/index.ts';
import {
  CuttableClient,
  connectUsuallyMs,
  cutConnection,
  idleMs,
  startupOptions,
} from './connection.ts';
import type { Lane } from './lane.ts';
import { pgFailure } from './pg-errors.ts';
import { PgTransaction } from './pg-transaction.ts';
import { AdmissionQueue } from './queue.ts';
import { named } from './sql.ts';
import type { Store, Transaction, TransactionPlan } from './store.ts';
import { transactOn } from './transact.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** How long a statement waits for a lock unless its transaction has less time left. */
  readonly lockTimeoutMs: number;
  /**
   * True behind a pooler in transaction mode: nothing is expected of a connection (no prepared names,
   * no settings at connect), and single statements get a BEGIN that states their isolation.
   */
  readonly pooler?: boolean;
  /** How long a new connection may take; 400 ms unless said, so that a store that is away is told within 500 ms. */
  readonly connectTimeoutMs?: number;
  readonly applicationName?: string;
  /** Told of errors of idle connections; they are replaced by themselves. */
  readonly onIdleError?: (error: Error) => void;
}

/** Opens a pool; no connection is made yet. */
export function createPool(options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs ?? connectUsuallyMs,
    idleTimeoutMillis: idleMs,
    application_name: options.applicationName ?? 'lockstep',
    keepAlive: true,
    pipeline: true,
    Client: CuttableClient,
    ...(!options.pooler && { options: startupOptions(options.lockTimeoutMs) }),
  });
  pool.on('error', error => options.onIdleError?.(error));
  // without a listener an error on a checked-out connection ends the process
  pool.on('connect', client => client.on('error', () => {}));
  return pool;
}

/** The raw node-postgres adapter. */
export class PostgresStore implements Store {
  readonly #options: PostgresOptions;
  readonly #pool: pg.Pool;
  readonly #queue: AdmissionQueue;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#pool = createPool(options);
    this.#queue = new AdmissionQueue(options.connectionsMax);
  }

  /** Connections open now, and callers that wait for one. */
  get load(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const { totalCount: open, idleCount: idle } = this.#pool;
    return { open, idle, waiting: this.#queue.waiting };
  }

  /**
   * Opens every connection, one after another: a burst on a cold pool pays for all of them at once.
   * Stops quietly where Postgres is away; that is met by the commands.
   */
  async fill(): Promise<void> {
    const clients: pg.PoolClient[] = [];
    try {
      while (clients.length < this.#options.connectionsMax)
        clients.push(await this.#pool.connect());
    } catch {
      // told by the first command
    } finally {
      for (const client of clients) client.release();
    }
  }

  async begin(plan: TransactionPlan): Promise<Transaction> {
    const lane = await this.#lane(plan.deadlineMs);
    const autocommit = plan.autocommit && !this.#options.pooler;
    const transaction = new PgTransaction(lane, { ...plan, autocommit });
    try {
      await transaction.open();
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    return transaction;
  }

  readonly query: Query = async <R>({ text }: { text: string }, values: readonly Value[]) => {
    const lane = await this.#lane(performance.now() + this.#options.lockTimeoutMs);
    let broken = false;
    try {
      return (await this.#run<R>(lane, text, values)).rows;
    } catch (error) {
      const failure = pgFailure(error, 'work');
      broken = failure.code === 'connection-lost';
      throw failure;
    } finally {
      lane.leave(broken);
    }
  };

  transact<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return transactOn(this, performance.now() + this.#options.lockTimeoutMs, work);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #run<R>(lane: Lane, text: string, values: readonly Value[]): Promise<pg.QueryResult<R & object>> {
    const config = lane.prepare ? named(text) : { text };
    const query_timeout = this.#options.lockTimeoutMs + 1_000; // a server that froze is cut off
    const bounded = { ...config, values: [...values], query_timeout };
    return lane.client.query<R & object>(bounded);
  }

  async #lane(deadlineMs: number): Promise<Lane> {
    const startMs = performance.now();
    if (!(await this.#queue.enter(deadlineMs - startMs))) throw new Failure('pool-exhausted');
    try {
      const client = await this.#pool.connect();
      return this.#laneOf(client, performance.now() - startMs);
    } catch (error) {
      this.#queue.leave();
      throw pgFailure(error, 'connect');
    }
  }

  #laneOf(client: pg.PoolClient, poolMs: number): Lane {
    return {
      client,
      poolMs,
      prepare: !this.#options.pooler,
      lockTimeoutMs: this.#options.pooler ? Number.POSITIVE_INFINITY : this.#options.lockTimeoutMs,
      cut: () => cutConnection(client),
      leave: broken => {
        client.release(broken);
        this.#queue.leave();
      },
    };
  }
}
