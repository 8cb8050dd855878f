import { type ActorRealm, currentRealm } from './actor-realm.ts';
import { put } from './put.ts';

/** Handlers of uncaught errors that were there before, such as a test runner's. */
const kinds = ['uncaughtException', 'unhandledRejection'] as const;
type Listener = (...values: unknown[]) => void;

let openings = 0;
let undo: (() => void) | undefined;

/**
 * An uncaught error of an actor's code ends that actor, as it would end its process; all others are
 * handled as before. Counts how often it is opened.
 */
export function catchUncaught(): () => void {
  openings += 1;
  undo ??= listenFirst();
  return () => {
    openings -= 1;
    if (openings > 0) return;
    undo?.();
    undo = undefined;
  };
}

/** A caller that calls process.exit ends only itself. */
function exitAlone(): () => void {
  const exit = process.exit.bind(process);
  return put(process, 'exit', (code?: number): never => {
    const realm = currentRealm();
    if (realm === undefined) return exit(code);
    const ended = new Error(`process.exit(${code ?? ''})`);
    realm.uncaught(ended);
    throw ended; // nothing behind it runs
  });
}

function listenFirst(): () => void {
  const restoreExit = exitAlone();
  const undone = kinds.map(kind => {
    const before = process.listeners(kind as 'exit') as Listener[];
    for (const listener of before) process.off(kind, listener);
    const first: Listener = (error, ...rest) => {
      const realm: ActorRealm | undefined = currentRealm();
      if (realm !== undefined) realm.uncaught(error);
      else if (before.length === 0)
        throw error; // ends the process, as it would have without us
      else for (const listener of before) listener(error, ...rest);
    };
    process.on(kind, first);
    return () => {
      process.off(kind, first);
      for (const listener of before) process.on(kind, listener);
    };
  });
  return () => {
    restoreExit();
    for (const one of undone) one();
  };
}
