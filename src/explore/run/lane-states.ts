import type { Lane } from '../gate/lane.ts';
import type { LaneBook } from './tracked-lane.ts';

/**
 * What the connections of all actors were before a step: one that leaves may give back locks, and
 * one that begins to listen hears of what others do, though neither is a step.
 */
export class LaneStates {
  readonly #before: ReadonlyMap<Lane, 'listens' | 'holds' | 'holds nothing' | 'closed'>;

  constructor(book: LaneBook) {
    this.#before = new Map(book.all.map(({ lane }) => [lane, stateOf(lane)]));
  }

  /**
   * Whether one has left that held something, or one listens. `ended` has given its locks back by
   * its own step, if anybody.
   */
  changed(book: LaneBook, ended: Lane | undefined): boolean {
    return book.all.some(({ lane }) => {
      const now = stateOf(lane);
      if (now === 'listens') return true;
      const before = this.#before.get(lane) ?? 'holds nothing';
      const gaveBack = lane === ended && !locksSession(lane);
      return now === 'closed' && !gaveBack && (before === 'holds' || before === 'listens');
    });
  }
}

function locksSession(lane: Lane): boolean {
  return lane.stated?.locksSession === true;
}

function stateOf(lane: Lane): 'listens' | 'holds' | 'holds nothing' | 'closed' {
  if (lane.closed) return 'closed';
  if (lane.listens) return 'listens';
  return lane.holds ? 'holds' : 'holds nothing';
}
