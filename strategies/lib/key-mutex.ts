import { E_TIMEOUT, Mutex, withTimeout } from 'async-mutex';
import { Failure, type Guardian } from '../../src/contract/index.ts';

interface Entry {
  readonly mutex: Mutex;
  users: number;
}

/** One mutex per key for as long as somebody wants it, inside this process only. */
export function keyMutexGuardian(now: () => number): Guardian {
  const entries = new Map<string, Entry>();

  async function locked<T>(key: string, limitMs: number, inner: () => Promise<T>): Promise<T> {
    const entry = entries.get(key) ?? { mutex: new Mutex(), users: 0 };
    entries.set(key, entry);
    entry.users += 1;
    try {
      const release = await acquire(entry.mutex, limitMs);
      try {
        return await inner();
      } finally {
        release();
      }
    } finally {
      entry.users -= 1;
      if (entry.users === 0) entries.delete(key);
    }
  }

  return {
    turn(attempt, keys, inner) {
      const through = (index: number): ReturnType<typeof inner> => {
        const key = keys[index];
        if (key === undefined) return inner({});
        return locked(key, attempt.deadlineMs - now(), () => through(index + 1));
      };
      return through(0);
    },
    async close() {},
  };
}

async function acquire(mutex: Mutex, limitMs: number): Promise<() => void> {
  try {
    return await withTimeout(mutex, Math.max(0, limitMs)).acquire();
  } catch (error) {
    throw error === E_TIMEOUT ? new Failure('turn-refused') : error;
  }
}
