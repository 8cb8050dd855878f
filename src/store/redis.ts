import { type Command, Redis } from 'ioredis';

export interface RedisOptions {
  readonly url: string;
  /** A command is given up after a tenth of it: a lease that was granted late is worth little. */
  readonly leaseMs: number;
  /** Told of connection errors; the client reconnects by itself. */
  readonly onError?: (error: Error) => void;
}

const reconnectMaxMs = 250;
const silenceMaxMs = 1_000;
const commandMaxMs = 300; // a store that is away is told within 500 ms

/** Commands that go out in one write at most: the server begins while the next ones are written. */
const togetherMax = 16;

/** What is sent in one turn of the event loop. */
interface Turn {
  readonly socket: Redis['stream'] | undefined;
  readonly commands: Command[];
}

/**
 * Sends what is asked for in one turn of the event loop in few writes: a write takes longer than all
 * else that a command costs here (`npm run floors -- --only pairs`).
 *
 * Gives a command up when its time is over and no answer lies unread in the socket. The client's own
 * `commandTimeout` looks at the clock alone: when this process was busy for longer, it gives up a
 * lease that was granted in time, and the key is taken until the lease ends. Beyond a second of that
 * the client replaces the connection, and the answer is lost all the same.
 */
class PunctualRedis extends Redis {
  readonly #answerMs: number;
  #turn: Turn | undefined;

  /** Nothing is queued, sent again or waited for: who needs the lock is told at once. */
  constructor(url: string, answerMs: number) {
    super(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: 400,
      socketTimeout: silenceMaxMs, // a connection that was cut without a word is replaced
      retryStrategy: times => Math.min(reconnectMaxMs, 10 * 2 ** Math.min(times, 8)),
      enableAutoPipelining: false, // slower: an object and a promise more for each command
    });
    this.#answerMs = answerMs;
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    this.#turn ??= this.#begin();
    const { socket, commands } = this.#turn;
    const sent = super.sendCommand(command, stream);
    if (commands.push(command) % togetherMax === 0) {
      socket?.uncork();
      socket?.cork();
    }
    return sent;
  }

  #begin(): Turn {
    const { stream: socket }: { readonly stream?: Redis['stream'] } = this;
    const turn: Turn = { socket, commands: [] };
    socket?.cork();
    process.nextTick(() => this.#end(turn)); // behind all promises that this turn has settled
    return turn;
  }

  /** The time for an answer begins here: what the turn did after the command was asked for is no delay. */
  #end({ socket, commands }: Turn): void {
    this.#turn = undefined;
    socket?.uncork();
    for (const command of commands) if (!command.isSettled) this.#limit(command);
  }

  #limit(command: Command): void {
    const timer = setTimeout(giveUpSoon, this.#answerMs, command);
    command.promise.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
  }
}

/** After the timers sockets are read, and only then comes setImmediate. */
function giveUpSoon(command: Command): void {
  setImmediate(() => {
    if (!command.isSettled) command.reject(new Error('Command timed out'));
  });
}

/**
 * A connection for locks alone. With the defaults a command waits for a server that is away (10 s on
 * ioredis 5, 73 s on 6), is sent again after a reconnect, and can leave a lock that nobody holds.
 */
export function connectRedis({ url, leaseMs, onError }: RedisOptions): Redis {
  const answerMs = Math.max(20, Math.min(commandMaxMs, Math.floor(leaseMs / 10)));
  const redis = new PunctualRedis(url, answerMs);
  redis.on('error', error => onError?.(error));
  return redis;
}

const firstTryMaxMs = 400;

/** Resolves when the first try to connect has ended, well or not; after 400 ms in any case. Never rejects. */
export function firstTry(redis: Redis): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      redis.off('ready', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(done, firstTryMaxMs);
    redis.once('ready', done).once('close', done);
  });
}

const readyMaxMs = 1_000;

/**
 * Asks each Redis by itself; those that do not answer within a second say nothing. Warnings name the
 * server without its password.
 */
export async function evictionWarnings(urls: readonly string[]): Promise<readonly string[]> {
  const warnings = await Promise.all(
    urls.map(async url => {
      const redis = connectRedis({ url, leaseMs: 10 * commandMaxMs });
      try {
        const ready = await becomesReady(redis);
        const warning = ready ? await evictionWarning(redis) : undefined;
        return warning && `Redis at ${new URL(url).host}: ${warning}`;
      } finally {
        redis.disconnect();
      }
    }),
  );
  return warnings.flatMap(warning => warning ?? []);
}

function becomesReady(redis: Redis): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, readyMaxMs, false);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/**
 * What is wrong with a Redis as a place for locks, for people to read at start; undefined where
 * nothing is, or where it does not say (CONFIG may be forbidden). A policy that evicts takes away
 * locks that are held.
 */
export async function evictionWarning(redis: Redis): Promise<string | undefined> {
  const answer: unknown = await redis.config('GET', 'maxmemory*').catch(() => []);
  const words = Array.isArray(answer) ? answer.map(String) : [];
  const settingOf = (name: string): string | undefined => words[words.indexOf(name) + 1];
  const policy = words.includes('maxmemory-policy') ? settingOf('maxmemory-policy') : undefined;
  if (policy === undefined || policy === 'noeviction') return undefined;
  const limit = settingOf('maxmemory') === '0' ? ' once a maxmemory is set' : '';
  return `maxmemory-policy is ${policy}: Redis may evict locks that are held${limit}; set it to noeviction`;
}
