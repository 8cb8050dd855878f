import pg from 'pg';
import { Failure, type Query, type Value } from '../contract/index.ts';
import {
  cancelOn,
  clientAt,
  connectDefaultMs,
  connectMaxMs,
  cutConnection,
  idleMs,
  startupOptions,
} from './connection.ts';
import { pgFailure } from './pg-errors.ts';
import { PgTransaction } from './pg-transaction.ts';
import type { PooledConnection } from './pooled-connection.ts';
import { AdmissionQueue } from './queue.ts';
import { named } from './sql.ts';
import type { Limits, Store, Transaction, TransactionPlan } from './store.ts';
import { transactOn } from './transact.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Lock timeout of a statement, unless its transaction has less time left. */
  readonly lockTimeoutMs: number;
  /**
   * True behind a pooler in transaction mode: no session state is used (no named prepared
   * statements, no settings at connect), and single statements get a BEGIN that sets their
   * isolation level.
   */
  readonly pooler?: boolean;
  /** Connect timeout; default 400 ms, so that an outage is reported within 500 ms. */
  readonly connectTimeoutMs?: number;
  readonly applicationName?: string;
  /** Receives errors of idle connections, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
  /** Asked of each new connection before it is used; one that is refused is closed. */
  readonly check?: (client: pg.ClientBase) => Promise<void>;
}

const aloneGraceMs = 1_000;
const cutGraceMs = 250; // lets the server's own lock_timeout fire first

/** Creates a pool; connections are opened on demand. */
export function createPool(options: PostgresOptions): pg.Pool {
  const connectMs = options.connectTimeoutMs ?? connectDefaultMs;
  const { check } = options;
  const pool = new pg.Pool({
    max: options.connectionsMax,
    connectionTimeoutMillis: connectMaxMs(options.url, connectMs),
    idleTimeoutMillis: idleMs,
    application_name: options.applicationName ?? 'lockstep',
    keepAlive: true,
    pipeline: true,
    Client: clientAt(options.url),
    ...(!options.pooler && { options: startupOptions(options.lockTimeoutMs) }),
    ...(check && {
      verify: (client: pg.ClientBase, done: (error?: Error) => void) =>
        void check(client).then(() => done(), done),
    }),
  });
  pool.on('error', error => options.onIdleError?.(error));
  return pool;
}

/** The plain node-postgres adapter. */
export class PostgresStore implements Store {
  readonly #options: PostgresOptions;
  readonly #pool: pg.Pool;
  readonly #queue: AdmissionQueue;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#pool = createPool(options);
    this.#queue = new AdmissionQueue(options.connectionsMax);
  }

  /** Open connections, and callers waiting for one. */
  get load(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const { totalCount: open, idleCount: idle } = this.#pool;
    return { open, idle, waiting: this.#queue.waiting };
  }

  /**
   * Opens all connections, one after another, since a burst on a cold pool would open them all at
   * once. Stops silently if Postgres is down; the commands will report that.
   */
  async fill(): Promise<void> {
    const clients: pg.PoolClient[] = [];
    try {
      while (clients.length < this.#options.connectionsMax)
        clients.push(await this.#pool.connect());
    } catch {
      // the first command reports it
    } finally {
      for (const client of clients) client.release();
    }
  }

  async begin(plan: TransactionPlan): Promise<Transaction> {
    const connection = await this.#connection(plan);
    const autocommit = plan.autocommit && !this.#options.pooler;
    const transaction = new PgTransaction(connection, { ...plan, autocommit });
    try {
      await transaction.open();
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    return transaction;
  }

  readonly query: Query = <R>({ text }: { text: string }, values: readonly Value[]) => {
    const deadlineMs = performance.now() + this.#options.lockTimeoutMs;
    return this.#ask<R>(text, values, { deadlineMs }, aloneGraceMs);
  };

  within(limits: Limits): Query {
    return <R>({ text }: { text: string }, values: readonly Value[]) =>
      this.#ask<R>(text, values, limits, cutGraceMs);
  }

  transact<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return transactOn(this, performance.now() + this.#options.lockTimeoutMs, work);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** One statement on any connection; `graceMs` after the deadline it is given up, as is a frozen server. */
  async #ask<R>(
    text: string,
    values: readonly Value[],
    limits: Limits,
    graceMs: number,
  ): Promise<readonly R[]> {
    const connection = await this.#connection(limits);
    let broken = false;
    try {
      const config = connection.prepare ? named(text) : { text };
      const query_timeout = Math.max(1, limits.deadlineMs - performance.now() + graceMs);
      const bounded = { ...config, values: [...values], query_timeout };
      return (await connection.client.query<R & object>(bounded)).rows;
    } catch (error) {
      const failure = pgFailure(error, 'work');
      broken = failure.code === 'connection-lost';
      const late = broken && performance.now() > limits.deadlineMs;
      throw late ? new Failure('deadline-exceeded', { cause: error }) : failure;
    } finally {
      connection.release(broken);
    }
  }

  async #connection({ deadlineMs, left }: Limits): Promise<PooledConnection> {
    const startMs = performance.now();
    const admission = await this.#queue.enter(deadlineMs - startMs, left);
    if (admission === 'left') throw new Failure('caller-left');
    if (admission !== 'granted') throw new Failure('pool-exhausted');
    try {
      const client = await this.#pool.connect();
      return this.#pooled(client, performance.now() - startMs);
    } catch (error) {
      this.#queue.leave();
      throw pgFailure(error, 'connect');
    }
  }

  #pooled(client: pg.PoolClient, poolMs: number): PooledConnection {
    return {
      client,
      poolMs,
      prepare: !this.#options.pooler,
      lockTimeoutMs: this.#options.pooler ? Number.POSITIVE_INFINITY : this.#options.lockTimeoutMs,
      // a pooler's other clients run on the same server connection
      cancel: async () => !this.#options.pooler && (await cancelOn(client)),
      cut: () => cutConnection(client),
      release: broken => {
        client.release(broken);
        this.#queue.leave();
      },
    };
  }
}
