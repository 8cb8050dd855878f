/** npm hands a Ctrl-C on that the terminal has sent here already: that is no second wish. */
const sameWishMs = 1_000;
/** What the explored code has left open does not keep the process longer than this. */
const leaveMs = 2_000;

/**
 * Aborted by the first SIGINT, SIGTERM or SIGHUP; a later one ends this process at once, and the
 * keepers of servers and programs clean up after it.
 */
export function interruption(write: (text: string) => void, code: number): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (performance.now() - firstMs > sameWishMs) process.exit(code);
        return;
      }
      firstMs = performance.now();
      write('\nStopping; once more to stop at once.\n');
      controller.abort(new Error(`interrupted by ${name}`));
    });
  return controller.signal;
}

/** Ends this process with the code when nothing is left to do, or soon all the same. */
export function leave(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), leaveMs).unref();
}
