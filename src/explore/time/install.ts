import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { currentRealm } from './actor-realm.ts';
import { replaceClocks } from './clocks.ts';
import { watchPool } from './pool-work.ts';
import { put } from './put.ts';
import { replaceSocketTimeouts } from './socket-timeout.ts';
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
  const restores = [...replaceClocks(), ...replaceSocketTimeouts(), sockets(), catchUncaught()];
  watchPool();
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores.reverse()) restore();
    syncBuiltinESMExports();
  };
}

/** Remembers which sockets an actor opened, so that a crash can take them silently. */
function sockets(): () => void {
  const realConnect = Socket.prototype.connect;
  return put(Socket.prototype, 'connect', function (this: Socket, ...values: unknown[]) {
    const realm = currentRealm();
    if (realm !== undefined && !realm.connects(this)) return this;
    return Reflect.apply(realConnect, this, values);
  });
}
