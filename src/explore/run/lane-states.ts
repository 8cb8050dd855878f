import type { Lane } from '../gate/lane.ts';
import type { LaneBook } from './tracked-lane.ts';

/**
 * The state of all connections before a step: one that closes may give back locks, and one that begins
 * to listen is told of what others do, though neither is a step.
 */
export class LaneStates {
  readonly #before: ReadonlyMap<Lane, 'listens' | 'holds' | 'holds nothing' | 'closed'>;

  constructor(book: LaneBook) {
    this.#before = new Map(book.all.map(({ lane }) => [lane, stateOf(lane)]));
  }

  /**
   * Whether a connection that held something has closed, or one listens. `ended` is the lane, if any,
   * that gave its locks back by the step itself.
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
