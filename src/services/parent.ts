/** A parent that is gone is noticed within this. */
const everyMs = 500;

/**
 * Aborted when the npm that started this process ends before it. npm hands no SIGKILL on, and nobody
 * would wait for this process any more. Never aborted where no npm has started it.
 */
export function parentGone(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AbortSignal {
  const gone = new AbortController();
  if (environment.npm_lifecycle_event === undefined) return gone.signal;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone.abort(new Error('npm is gone'));
  }, everyMs);
  timer.unref();
  return gone.signal;
}
