import { type ActorRealm, currentRealm } from './actor-realm.ts';

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

function listenFirst(): () => void {
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
    for (const one of undone) one();
  };
}
