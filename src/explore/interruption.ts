/** npm forwards a Ctrl-C that the terminal has already sent here: that is not a second one. */
const sameWishMs = 1_000;
/** Handles left open by the explored code keep the process alive no longer than this. */
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

/** Ends this process with the code once nothing is left to do, and soon in any case. */
export function leave(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), leaveMs).unref();
}
