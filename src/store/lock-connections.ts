import type { Pool, PoolClient } from 'pg';
import { type Attempt, Failure, type LockConnection } from '../contract/index.ts';
import { cancelOn, cutConnection } from './connection.ts';
import { GivingUp } from './giving-up.ts';
import { pgFailure } from './pg-errors.ts';
import { AdmissionQueue } from './queue.ts';

type Asking = Pick<Attempt, 'deadlineMs' | 'left'>;

/** The connections of session locks, each waited for until its command's own deadline. */
export class LockConnections {
  readonly #pool: Pool;
  readonly #queue: AdmissionQueue;

  constructor(pool: Pool, connectionsMax: number) {
    this.#pool = pool;
    this.#queue = new AdmissionQueue(connectionsMax);
  }

  /** Callers waiting for a connection. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  async take({ deadlineMs, left }: Asking): Promise<LockConnection> {
    const admission = await this.#queue.enter(deadlineMs - performance.now(), left);
    if (admission === 'left') throw new Failure('caller-left');
    if (admission !== 'granted') throw new Failure('pool-exhausted');
    try {
      return this.#lent(await this.#pool.connect(), left);
    } catch (error) {
      this.#queue.leave();
      throw pgFailure(error, 'connect');
    }
  }

  #lent(client: PoolClient, left: AbortSignal | undefined): LockConnection {
    let inDoubt = false;
    return {
      client,
      waiting: async statement => {
        const connection = { cancel: () => cancelOn(client), cut: () => cutConnection(client) };
        const givingUp = new GivingUp(left, connection, true);
        try {
          return await givingUp.during(statement);
        } catch (error) {
          throw givingUp.began ? new Failure('caller-left', { cause: error }) : error;
        } finally {
          givingUp.end();
          await givingUp.settled;
          inDoubt ||= givingUp.inDoubt;
        }
      },
      release: broken => {
        client.release(broken || inDoubt);
        this.#queue.leave();
      },
    };
  }
}
