import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isReply, redisFailure } from './redis-script.ts';

const openMaxMs = 400;

/** What a waiter listens to. */
export interface Bell {
  readonly rung: Promise<void>;
  stop(): void;
}

/**
 * Messages that tell a waiter to ask for its turn, over one connection and one channel of this
 * process. One may be lost, so a waiter asks from time to time as well; one may be read when its lease
 * is over, so it is never a grant.
 */
export class WakeUps {
  readonly channel = `lockstep:wake:${randomBytes(8).toString('hex')}`;
  readonly #redis: Redis;
  readonly #bells = new Map<string, () => void>();

  constructor(redis: Redis) {
    this.#redis = redis.duplicate({ autoResubscribe: false });
    this.#redis.on('error', () => {}); // the connection that the locks use tells of it
    this.#redis.on('message', (_channel: string, token: string) => this.#bells.get(token)?.());
  }

  /**
   * Returns when the channel is listened to, or after 400 ms: it is tried again at every connection.
   * Rejects with `Failure('redis-unavailable')` where the server does not allow it: nobody would be woken.
   */
  async open(): Promise<void> {
    const listening = new Promise<void>((resolve, reject) => {
      const listen = (): void => {
        this.#redis.subscribe(this.channel).then(
          () => resolve(),
          (error: unknown) => {
            if (isReply(error)) reject(redisFailure(error));
          },
        );
      };
      this.#redis.on('ready', listen);
      this.#redis.once('close', resolve);
      if (this.#redis.status === 'ready') listen();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, openMaxMs);
    });
    await Promise.race([listening, late]).finally(() => clearTimeout(timer));
  }

  /** Resolves at the message for this token; `stop` when it is no longer waited for. */
  listen(token: string): Bell {
    const rung = new Promise<void>(resolve => {
      this.#bells.set(token, resolve);
    });
    return { rung, stop: () => this.#bells.delete(token) };
  }

  close(): void {
    this.#redis.disconnect();
  }
}
