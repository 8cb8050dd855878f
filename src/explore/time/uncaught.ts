import { type ActorRealm, currentRealm } from './actor-realm.ts';
import { put } from './put.ts';

/** What would end a process, and whoever listened for it before: a test runner, say. */
const kinds = ['uncaughtException', 'unhandledRejection'] as const;
type Listener = (...values: unknown[]) => void;

let openings = 0;
let undo: (() => void) | undefined;

/**
 * What an actor's code throws with nobody there to catch it ends that actor, as it would end its
 * process; everything else goes the way that it went before. Counts how often it is opened.
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

/** A caller that ends its process ends itself, and nobody else. */
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
