import type { EventKind } from '../search/choice.ts';
import type { Judgement } from '../serial/finding.ts';
import type { ActorEnd } from './actor.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { Left } from './left.ts';
import type { ExecutionEnd, TraceLine } from './trace.ts';
import type { Wait } from './witness.ts';

/** What one execution came to. */
export interface ExecutionRecord {
  readonly end: ExecutionEnd;
  readonly ends: readonly (ActorEnd | undefined)[];
  readonly lines: readonly TraceLine[];
  readonly violations: readonly string[];
  /** Actors waited for each other inside this process, where no gate sees it. */
  readonly sharesState: boolean;
  /** `label: why`, once for each request that held more than one step and could not be split. */
  readonly hides: readonly string[];
  /** Events that were possible at some point of the order, whether they happened or not. */
  readonly occasions: ReadonlySet<EventKind>;
  /** Redis keys that live longer than a lease, which no event ends: `idem:req-1 lives 86 400 s`. */
  readonly keptKeys: readonly string[];
  /** Redis keys that ran out in real time in the middle of the order, which then has no verdict. */
  readonly expired: readonly string[];
  /** Redis keys that had less time left than an actor slept, and did not end: no event did it. */
  readonly outlived: readonly string[];
  /** What timers asked for that callers left behind: it was not done. */
  readonly late: readonly string[];
  /** Steps that each actor was granted. */
  readonly requests: readonly number[];
  /** Connections that went past the gates. */
  readonly elsewhere: readonly Elsewhere[];
  /** Who could not go on until another did something. */
  readonly waits: readonly Wait[];
  /** What was not over when the last caller was told its answer, in sentences. */
  readonly unquiet: readonly string[];
  /** What it left at the servers; only where orders are compared with serial ones. */
  readonly left?: Left;
  /** How it compares with the serial orders, where that was asked. */
  readonly judgement?: Judgement;
}
