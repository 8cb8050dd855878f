import { E_TIMEOUT, Mutex, withTimeout } from 'async-mutex';
import { type Attempt, Failure, type Guardian } from '../../src/contract/index.ts';

interface Entry {
  readonly mutex: Mutex;
  users: number;
}

/** One mutex per key for as long as somebody wants it, inside this process only. */
export function keyMutexGuardian(now: () => number): Guardian {
  const entries = new Map<string, Entry>();

  async function locked<T>(
    key: string,
    { deadlineMs, left }: Attempt,
    inner: () => Promise<T>,
  ): Promise<T> {
    const entry = entries.get(key) ?? { mutex: new Mutex(), users: 0 };
    entries.set(key, entry);
    entry.users += 1;
    try {
      const release = await acquire(entry.mutex, deadlineMs - now(), left);
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
        return locked(key, attempt, () => through(index + 1));
      };
      return through(0);
    },
    async close() {},
  };
}

/** async-mutex cannot take a waiter out of its line: one whose caller has left passes it on at once. */
async function acquire(
  mutex: Mutex,
  limitMs: number,
  left: AbortSignal | undefined,
): Promise<() => void> {
  const acquiring = withTimeout(mutex, Math.max(0, limitMs)).acquire();
  try {
    return await (left ? unlessLeft(acquiring, left) : acquiring);
  } catch (error) {
    throw error === E_TIMEOUT ? new Failure('turn-refused') : error;
  }
}

function unlessLeft(acquiring: Promise<() => void>, left: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    let gone = left.aborted;
    const onLeft = (): void => {
      gone = true;
      reject(new Failure('caller-left'));
    };
    if (gone) onLeft();
    else left.addEventListener('abort', onLeft, { once: true });
    acquiring.then(
      release => {
        left.removeEventListener('abort', onLeft);
        if (gone) release();
        else resolve(release);
      },
      (error: unknown) => {
        left.removeEventListener('abort', onLeft);
        reject(error);
      },
    );
  });
}
