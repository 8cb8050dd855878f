import { type Choice, isEvent } from '../search/choice.ts';
import type { DecisionPoint } from '../search/point.ts';
import type { Scheduler } from '../search/scheduler.ts';
import type { ActorEnd, RunningActor } from './actor.ts';
import type { Arena } from './arena.ts';
import { Execution } from './execution.ts';
import type { Left } from './left.ts';
import type { ExecutionEnd, ExecutionSettings } from './trace.ts';

/** Callers one after the other, from the start: the others do nothing at all. */
export interface SerialRun {
  readonly end: ExecutionEnd;
  /** By the index of the caller; undefined where it did not run. */
  readonly ends: readonly (ActorEnd | undefined)[];
  readonly left: Left;
  /** What was not over when the last caller was told its answer. */
  readonly unquiet: readonly string[];
}

/** How far sequences are moved before a run, so that what comes from them shows. */
export type Shift = 'far' | 'near' | 'none';

interface Means {
  readonly arena: Arena;
  readonly settings: ExecutionSettings;
  readonly restore: () => Promise<void>;
  readonly start: (ended: () => void) => readonly RunningActor[];
  readonly look: () => Promise<Left | undefined>;
  /** What was sent to Postgres, before the next order begins. */
  readonly sent: (execution: Execution) => void;
}

/** Runs callers one after the other. */
export class InTurn {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  /** Puts everything back, and runs these, each to its end before the next begins. */
  async run(order: readonly number[], shift: Shift): Promise<SerialRun> {
    const { arena, start, settings, restore, look, sent } = this.#means;
    await restore();
    await shiftSequences(arena, shift);
    settings.signal?.throwIfAborted();
    const execution = new Execution(arena, start, { ...settings, eventsMax: 0 });
    try {
      const ran = await execution.run(new OneByOne(order), Promise.resolve());
      const ends = execution.ends.map((end, actor) => (order.includes(actor) ? end : undefined));
      const over = order.every(actor => ends[actor] !== undefined);
      const end: ExecutionEnd =
        ran.kind !== 'abandoned'
          ? ran
          : over
            ? { kind: 'ended' }
            : { kind: 'stuck', why: 'a caller never ends, even where it runs alone' };
      const unquiet = execution.unquiet;
      await execution.dispose();
      const left = (await look()) ?? { tables: [], keys: [], beyond: ['nobody looked'] };
      return { end, ends, left, unquiet };
    } finally {
      await execution.dispose();
      sent(execution);
    }
  }
}

/** Who comes first goes on as long as there is anything for it to do. */
class OneByOne implements Scheduler {
  readonly #order: readonly number[];

  constructor(order: readonly number[]) {
    this.#order = order;
  }

  next({ choices }: DecisionPoint): Choice | undefined {
    for (const actor of this.#order) {
      const own = choices.filter(choice => choice.actor === actor && !isEvent(choice));
      const step = own.find(choice => choice.kind !== 'wake') ?? own[0];
      if (step !== undefined) return step;
    }
    return undefined;
  }
}

const distances: Readonly<Record<Exclude<Shift, 'none'>, string>> = {
  far: '10007 + 1009 * row_number() over (order by schemaname, sequencename)',
  near: '7 + 11 * row_number() over (order by schemaname, sequencename)',
};

/** Each sequence by another distance, so that numbers of one are not taken for those of another. */
async function shiftSequences({ postgres }: Arena, shift: Shift): Promise<void> {
  if (shift === 'none') return;
  await postgres.query(`
    select setval(format('%I.%I', schemaname, sequencename),
      greatest(min_value, least(max_value, coalesce(last_value, start_value)
        + increment_by * (${distances[shift]}))))
    from pg_sequences where schemaname not like 'explorer\\_%'`);
}
