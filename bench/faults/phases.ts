/** Where in a command a fault can strike, and at which message on the wire each strategy is there. Pure. */
import type { Strategy } from '../../src/contract/index.ts';
import { decidesInOneStatement } from '../../src/engine/attempt.ts';

/** In the order in which a command passes them. */
export const phases = [
  'waiting',
  'granted',
  'holding',
  'written',
  'commit sent',
  'commit applied',
  'releasing',
] as const;

export type Phase = (typeof phases)[number];

/** What each phase is, for people. */
export const phaseTexts: Readonly<Record<Phase, string>> = {
  waiting: 'it has asked for the lock, and another command holds it',
  granted: 'the store has granted the lock, and the answer has not arrived',
  holding: 'it has read, and its first write has not reached the server',
  written: 'its first write is done, and the answer has not arrived',
  'commit sent': 'COMMIT is sent and not applied',
  'commit applied': 'COMMIT is applied, and the answer has not arrived',
  releasing: 'it has committed, and the release of its lock has not reached the store',
};

/** A request of one command, by what it is for. */
export type Purpose = 'lock' | 'deciding' | 'write' | 'commit' | 'release';

/** The message at which a command is held. */
export interface WirePoint {
  readonly store: 'postgres' | 'redis';
  readonly purpose: Purpose;
  /** `unanswered`: nothing is held; the request has been sent, and is refused or waits in the store. */
  readonly hold: 'request' | 'reply' | 'unanswered';
  /** On so many servers at once: a majority is asked in parallel. */
  readonly servers: 'one' | 'each node';
}

export type Place = { readonly point: WirePoint } | { readonly notOffered: string };

/** Where a strategy takes its lock, as the wire shows it. */
type LockPlace = 'lease' | 'session' | 'process' | 'transaction' | 'none';

function lockPlaceOf({ turns, first, guard }: Strategy): LockPlace {
  const [turn] = turns;
  if (turn) return turn.heldBy;
  const inside = ['lock row', 'lock row, nowait', 'lock row, skip locked', 'lock table'];
  return first.length > 0 || guard.some(one => inside.includes(one)) ? 'transaction' : 'none';
}

const at = (
  store: WirePoint['store'],
  purpose: Purpose,
  hold: WirePoint['hold'],
  servers: WirePoint['servers'] = 'one',
): Place => ({ point: { store, purpose, hold, servers } });

const lacks = (notOffered: string): Place => ({ notOffered });

/**
 * The message at which a command of this strategy is in this phase, or why there is none. `keyed`: it
 * has an Idempotency-Key, and with that a transaction where it would be one statement otherwise.
 */
export function placeOf(strategy: Strategy, phase: Phase, keyed = false): Place {
  switch (phase) {
    case 'waiting':
    case 'granted':
      return lockPlace(strategy, phase === 'waiting' ? 'unanswered' : 'reply');
    case 'holding':
    case 'written':
      if (decidesInOneStatement(strategy)) return lacks('one statement reads, writes and commits');
      return at('postgres', 'write', phase === 'holding' ? 'request' : 'reply');
    case 'commit sent':
    case 'commit applied': {
      const purpose = decidesInOneStatement(strategy) && !keyed ? 'deciding' : 'commit';
      return at('postgres', purpose, phase === 'commit sent' ? 'request' : 'reply');
    }
    case 'releasing':
      return releasePlace(strategy);
  }
}

function lockPlace(strategy: Strategy, hold: 'unanswered' | 'reply'): Place {
  switch (lockPlaceOf(strategy)) {
    case 'lease':
      return at('redis', 'lock', hold, serversOf(strategy));
    case 'session':
      return at('postgres', 'lock', hold);
    case 'transaction':
      return hold === 'unanswered' && strategy.guard.includes('lock table')
        ? lacks(
            'who waits for the whole table names no key: the wire does not tell whose wait it is',
          )
        : at('postgres', 'deciding', hold);
    case 'process':
      return lacks('its lock is inside the process: nothing is on the wire');
    case 'none':
      return lacks('it takes no lock before it writes');
  }
}

function releasePlace(strategy: Strategy): Place {
  const [turn] = strategy.turns;
  if (!turn) return lacks('COMMIT gives its locks back: nothing is released after it');
  if (turn.until === 'rule ends') return lacks('it gives the lock back before COMMIT');
  if (turn.heldBy === 'process') return lacks('its lock is inside the process');
  return turn.heldBy === 'lease'
    ? at('redis', 'release', 'request', serversOf(strategy))
    : at('postgres', 'release', 'request');
}

const serversOf = ({ adoption }: Strategy): WirePoint['servers'] =>
  adoption.newDependency === 'several redis nodes' ? 'each node' : 'one';
