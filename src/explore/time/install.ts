import { syncBuiltinESMExports } from 'node:module';
import { replaceClocks } from './clocks.ts';
import { watchPool } from './pool-work.ts';
import { replaceSocketTimeouts } from './socket-timeout.ts';
import { watchSockets } from './sockets.ts';
import { replaceTimers } from './timers.ts';
import { catchUncaught } from './uncaught.ts';
import { replaceWorkers } from './workers.ts';

/**
 * What a module keeps as it is loaded (`const sleep = promisify(setTimeout)`) is in place from the
 * moment on at which the explorer is loaded, and stays: outside an actor it does what Node's does.
 */
replaceTimers();
replaceWorkers();
syncBuiltinESMExports();

/**
 * Puts an actor's time, random numbers and sockets into its own realm, for as long as it is
 * installed. Code outside an actor (the explorer, a test runner) keeps the real ones: the realm is
 * looked up at every call.
 */
export function installRealms(): () => void {
  const restores = [
    ...replaceClocks(),
    ...replaceSocketTimeouts(),
    ...watchSockets(),
    catchUncaught(),
  ];
  watchPool();
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores.reverse()) restore();
    syncBuiltinESMExports();
  };
}
