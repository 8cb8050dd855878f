/** SET NX in redis-benchmark, if installed: an upper limit for Redis. */
import type { Keeper } from '../../src/services/index.ts';
import type { OpenEntry } from './contest.ts';

export interface RedisBenchmarkResources {
  readonly keeper: Keeper;
  /** Path of the program; undefined if not installed. */
  readonly redisBenchmarkCommand: string | undefined;
  readonly redisUrl: string;
}

/** redis-benchmark takes a number of requests, not a time: about what a busy core answers in a second. */
const requestsPerSecond = 50_000;
const keys = 1_000_000_000;

/** Undefined if the program is not installed. */
export function redisBenchmark(
  { keeper, redisBenchmarkCommand: command, redisUrl }: RedisBenchmarkResources,
  clients: number,
): OpenEntry | undefined {
  if (command === undefined) return undefined;
  const { hostname, port, password } = new URL(redisUrl);
  return {
    name: 'SET NX, redis-benchmark',
    async measure(seconds) {
      const load = ['-c', `${clients}`, '-n', `${Math.round(requestsPerSecond * seconds)}`];
      const key = 'floor/benchmark/__rand_int__';
      const set = ['set', key, 'token', 'PX', '1000', 'NX'];
      // it accepts a password only on the command line; this one is of a server started for this run
      const secret = password === '' ? [] : ['-a', decodeURIComponent(password)];
      const where = ['-h', hostname, '-p', port || '6379', ...secret];
      const args = [...where, ...load, '-r', `${keys}`, '--csv', ...set];
      const exit = await keeper.run({ name: 'redis-benchmark', command, args, env: {} }, 60_000);
      const [, rate] = /^"set [^"]*","([\d.]+)"/m.exec(exit.tail) ?? [];
      if (exit.code !== 0 || rate === undefined) throw new Error(exit.tail.trim().slice(-300));
      return Number(rate) / 2;
    },
    async close() {},
  };
}
