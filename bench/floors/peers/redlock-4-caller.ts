import type { Redis } from 'ioredis';
import type { Caller } from 'redlock-4';

/** redlock 4 passes key count and arguments in one array and expects the answer in a callback. */
export function callerOf(redis: Redis): Caller {
  return {
    evalsha(sha, [keyCount = 0, ...rest], answer) {
      redis.evalsha(sha, Number(keyCount), ...rest).then(
        result => void answer(null, result), // may return a promise that rejects
        (error: Error) => void answer(error),
      );
    },
    eval([lua = '', keyCount = 0, ...rest], answer) {
      redis.eval(String(lua), Number(keyCount), ...rest).then(
        result => void answer(null, result), // may return a promise that rejects
        (error: Error) => void answer(error),
      );
    },
  };
}
