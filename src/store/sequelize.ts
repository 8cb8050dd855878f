import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import { ConnectionError, Sequelize, Transaction as SequelizeUnit } from 'sequelize';
import { Failure, type Isolation, type Query, type Value } from '../contract/index.ts';
import {
  CuttableClient,
  clientAt,
  connectDefaultMs,
  connectMaxMs,
  cutConnection,
  idleMs,
  startupOptions,
} from './connection.ts';
import type { PostgresOptions } from './postgres.ts';
import { AdmissionQueue } from './queue.ts';
import { Deadline } from './sequelize-deadline.ts';
import { sequelizeFailure } from './sequelize-errors.ts';
import { SequelizeModels } from './sequelize-models.ts';
import { rawQuery, SequelizeTransaction } from './sequelize-transaction.ts';
import type { Limits, Store, Transaction, TransactionPlan } from './store.ts';
import { transactOn } from './transact.ts';

const cutGraceMs = 250; // lets the server's own lock_timeout fire first
const acquireSlackMs = 1_000;

const levels = {
  'read committed': SequelizeUnit.ISOLATION_LEVELS.READ_COMMITTED,
  'repeatable read': SequelizeUnit.ISOLATION_LEVELS.REPEATABLE_READ,
  serializable: SequelizeUnit.ISOLATION_LEVELS.SERIALIZABLE,
} as const satisfies Record<Isolation, string>;

/** The deadline of the caller whose connection the pool is about to provide. */
const acquiring = new AsyncLocalStorage<Deadline>();

/** Opens Sequelize with its own pool; connections are opened on demand. */
function openSequelize(options: PostgresOptions): Sequelize {
  const connectMs = connectMaxMs(options.url, options.connectTimeoutMs ?? connectDefaultMs);
  const settings = {
    dialect: 'postgres' as const,
    // knows the URL: Sequelize's own reading of it ignores sslmode and sslrootcert (6.37.8)
    dialectModule: { Client: clientAt(options.url), types: pg.types },
    logging: false as const,
    // no queries and no settings at connect: behind a pooler they would leak to other clients
    databaseVersion: '14.0.0',
    keepDefaultTimezone: true,
    standardConformingStrings: false,
    pool: {
      max: options.connectionsMax,
      min: 0,
      idle: idleMs,
      // our own queue bounds the waiting; this bounds connecting
      acquire: connectMs + acquireSlackMs,
      // Sequelize's own look misses a session that ended before Sequelize listened to it
      validate: (client?: object) => client instanceof CuttableClient && !client.broken,
    },
    dialectOptions: {
      application_name: options.applicationName ?? 'lockstep sequelize',
      clientMinMessages: 'ignore',
      connectionTimeoutMillis: connectMs,
      keepAlive: true,
      ...(!options.pooler && { options: startupOptions(options.lockTimeoutMs) }),
    },
  };
  const sequelize = new Sequelize(settings);
  sequelize.addHook('afterPoolAcquire', (client: unknown) => {
    if (client instanceof CuttableClient) acquiring.getStore()?.acquired(client);
  });
  const { check } = options;
  if (check)
    sequelize.addHook('afterConnect', async (client: unknown) => {
      if (!(client instanceof CuttableClient)) throw new Error('not a connection of ours');
      await check(client).catch(error => {
        cutConnection(client); // Sequelize forgets it
        throw error;
      });
    });
  return sequelize;
}

/**
 * The adapter over Sequelize models, `lock` and `version: true`: what an application written with
 * the ORM gets. A rule's own statements run as raw queries.
 */
export class SequelizeStore implements Store {
  readonly #options: PostgresOptions;
  readonly #sequelize: Sequelize;
  readonly #models: SequelizeModels;
  readonly #queue: AdmissionQueue;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#sequelize = openSequelize(options);
    this.#models = new SequelizeModels(this.#sequelize);
    this.#queue = new AdmissionQueue(options.connectionsMax);
  }

  /** Connections in use, and callers waiting for one. */
  get load(): { readonly busy: number; readonly waiting: number } {
    const { free, waiting } = this.#queue;
    return { busy: this.#options.connectionsMax - free, waiting };
  }

  async begin(plan: TransactionPlan): Promise<Transaction> {
    const startMs = performance.now();
    const deadline = await this.#enter(plan);
    const leave = (): void => this.#leave(deadline);
    const begun = await this.#begun(plan, deadline).catch((error: unknown) => {
      leave();
      throw this.#failed(error, deadline);
    });
    const transaction = new SequelizeTransaction(
      {
        sequelize: this.#sequelize,
        models: this.#models,
        begun,
        deadline,
        poolMs: (deadline.acquiredMs ?? startMs) - startMs,
        lockTimeoutMs: this.#options.pooler
          ? Number.POSITIVE_INFINITY
          : this.#options.lockTimeoutMs,
        leave,
      },
      plan,
    );
    try {
      await transaction.open();
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    return transaction;
  }

  readonly query: Query = (statement, values) =>
    this.within({ deadlineMs: performance.now() + this.#options.lockTimeoutMs })(statement, values);

  within(limits: Limits): Query {
    return async <R>({ text }: { text: string }, values: readonly Value[]) => {
      const deadline = await this.#enter(limits);
      try {
        return await this.#connected(deadline, () => rawQuery<R>(this.#sequelize, text, values));
      } catch (error) {
        throw this.#failed(error, deadline);
      } finally {
        this.#leave(deadline);
      }
    };
  }

  transact<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return transactOn(this, performance.now() + this.#options.lockTimeoutMs, work);
  }

  async close(): Promise<void> {
    await this.#sequelize.close();
  }

  #begun(plan: TransactionPlan, deadline: Deadline): Promise<SequelizeUnit> {
    const isolationLevel = levels[plan.isolation];
    return this.#connected(deadline, () => this.#sequelize.transaction({ isolationLevel }));
  }

  /**
   * Retries failed connects within the connect timeout. After a broken connection, Sequelize's pool
   * starts more connections than it needs and reports each failure to the next caller, even if
   * Postgres is back by then (observed).
   */
  async #connected<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    const { connectionsMax, connectTimeoutMs = connectDefaultMs } = this.#options;
    const endMs = performance.now() + connectTimeoutMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return await acquiring.run(deadline, work);
      } catch (error) {
        const again = tries <= connectionsMax && performance.now() < endMs && !deadline.expired;
        const connecting = error instanceof ConnectionError || deadline.client === undefined;
        if (!connecting || !again) throw error;
      }
    }
  }

  async #enter({ deadlineMs, left }: Limits): Promise<Deadline> {
    const admission = await this.#queue.enter(deadlineMs - performance.now(), left);
    if (admission === 'left') throw new Failure('caller-left');
    if (admission !== 'granted') throw new Failure('pool-exhausted');
    return new Deadline(deadlineMs + cutGraceMs, this.#options.pooler ?? false);
  }

  #leave(deadline: Deadline): void {
    deadline.stop();
    this.#queue.leave();
  }

  #failed(error: unknown, deadline: Deadline): Failure {
    const failure = sequelizeFailure(error, deadline.client ? 'work' : 'connect');
    const cut = deadline.expired && failure.code === 'connection-lost';
    return cut ? new Failure('deadline-exceeded', { cause: error }) : failure;
  }
}
