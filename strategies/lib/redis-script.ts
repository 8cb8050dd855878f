import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { codeOfReply, Failure, isFailure } from '../../src/contract/index.ts';

/** Lua that runs on the server as one step. */
export class Script {
  readonly lua: string;
  readonly #sha: string;

  constructor(lua: string) {
    this.lua = lua.trim();
    this.#sha = createHash('sha1').update(this.lua).digest('hex');
  }

  /** By its hash; with its text where the server does not know it (yet, or after a restart). */
  async run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]) {
    try {
      return await redis.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return this.runText(redis, keys, args);
    }
  }

  /** One message, whatever the server knows: it takes its place behind what was sent before. */
  runText(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return redis.eval(this.lua, keys.length, ...keys, ...args);
  }
}

const connectMaxMs = 400;
const connecting = new WeakMap<Redis, Promise<void>>();

/**
 * Waits while a connection is being made, at most 400 ms. One that is known to be away is not waited
 * for. Rejects with `Failure('redis-unavailable')`: then nothing has been sent.
 */
export async function connected(redis: Redis): Promise<void> {
  if (isConnecting(redis)) await settled(redis);
  if (redis.status !== 'ready')
    throw new Failure('redis-unavailable', { message: `the connection is '${redis.status}'` });
}

function isConnecting(redis: Redis): boolean {
  return redis.status === 'connecting' || redis.status === 'connect';
}

function settled(redis: Redis): Promise<void> {
  const known = connecting.get(redis);
  if (known) return known;
  const waiting = new Promise<void>(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      redis.off('ready', done).off('close', done);
      connecting.delete(redis);
      resolve();
    };
    const timer = setTimeout(done, connectMaxMs);
    redis.once('ready', done).once('close', done);
  });
  connecting.set(redis, waiting);
  return waiting;
}

/** An error of a lock store, as who waits for a turn is told of it: it refused, or it is not there. */
export function redisFailure(error: unknown): Failure {
  return isFailure(error)
    ? error
    : new Failure(codeOfReply(error) ?? 'redis-unavailable', { cause: error });
}

/** The server's own word, as opposed to no answer. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
