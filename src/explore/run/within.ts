/** The server ends a statement by itself; this much later it has not answered at all. */
export const lateMs = 5_000;

/** One of the explorer's own waits timed out: there can be no verdict. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

/** The result of `work`, or NotInTime after so many milliseconds of real time. It is not undone. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new NotInTime(`${what} did not end within ${seconds(ms)}`));
    }, ms);
  });
  work.catch(() => undefined); // a rejection after the time is over is ignored
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Who interrupts waits no longer for what is left: it ends with its database. */
const abortedMs = 3_000;

/** Resolves when `closing` has ended somehow; where somebody has interrupted, in 3 s at most. */
export async function closed(closing: Promise<void>, signal?: AbortSignal): Promise<void> {
  const ended = signal?.aborted ? within(abortedMs, 'closing', closing) : closing;
  await ended.catch(() => undefined);
}

/** Rejects as soon as the signal does; the work goes on. */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return work;
  work.catch(() => undefined); // a rejection after the abort is ignored
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(2))} s`;
}
