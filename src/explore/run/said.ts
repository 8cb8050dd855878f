import type { Step } from '../gate/lane.ts';
import { mayDefine } from './definitions.ts';
import { reachOf } from './statement-reach.ts';
import type { Surroundings } from './surroundings.ts';
import type { TrackedLane } from './tracked-lane.ts';

/** What the statements of one execution have said that holds for later ones. */
export class Said {
  readonly #about: Surroundings;
  /** Their isolation may be any. */
  readonly #isolated = new Set<TrackedLane>();
  /** What ends their transactions reaches listeners. */
  readonly #signalling = new Set<TrackedLane>();
  /** A snapshot was taken in the open transaction. */
  readonly #looked = new Set<TrackedLane>();
  /** What sessions begin with was changed. */
  #altered = false;
  /** Names may mean other relations than the catalogue has. */
  defined = false;

  constructor(about: Surroundings) {
    this.#about = about;
  }

  heed(one: TrackedLane, step: Step | undefined): void {
    const { lane } = one;
    if (lane.stated === undefined || step === undefined) return;
    const said = reachOf(step.label);
    if (said.readsClock) this.#about.clockWasRead = true;
    if (said.signals) this.#signalling.add(one);
    if (said.mayIsolate) {
      this.#isolated.add(one);
      lane.stated.locksSession = true;
      this.#altered ||= /\balter\b/i.test(step.label);
    }
    const mayMake = said.mayIsolate || mayDefine(step.label) || /\binto\b/i.test(step.label);
    if (said.reach === 'unknown' && mayMake) this.defined = true;
    if (said.reach === 'touches rows') {
      if (said.looks && lane.transaction === 'T' && lane.inFlight === undefined)
        this.#looked.add(one);
    } else if (said.reach !== 'arranges') this.#looked.delete(one);
  }

  signals(one: TrackedLane): boolean {
    return this.#signalling.has(one);
  }

  hasLooked(one: TrackedLane): boolean {
    return this.#looked.has(one);
  }

  /** Whether a transaction of this connection may see rows by one snapshot. */
  keepsSnapshot(one: TrackedLane): boolean {
    const { snapshotsByDefault } = this.#about;
    const said = one.lane.stated?.keepsSnapshot === true; // or its role's default
    return snapshotsByDefault || said || this.#isolated.has(one) || this.#altered;
  }
}
