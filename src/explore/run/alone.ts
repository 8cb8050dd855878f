import { only } from '../search/scheduler.ts';
import type { RunningActor } from './actor.ts';
import type { Arena } from './arena.ts';
import { moment, type Rows, readRows, shiftSequences, written } from './changes.ts';
import { Execution } from './execution.ts';
import { changedKeys, keysOfAll, type UsedKey, usedKeys } from './redis-use.ts';
import type { ExecutionSettings, TraceLine } from './trace.ts';
import type { Sent } from './witness.ts';

/** What one actor did that ran alone from the baseline. */
export interface Solo {
  readonly lines: readonly TraceLine[];
  readonly sent: readonly Sent[];
  /** Rows that it changed, and unique keys that it chose, by table and key. */
  readonly written: ReadonlySet<string>;
  /** Redis keys that it changed, also those that a script does not declare. */
  readonly keys: ReadonlySet<string>;
}

/** What it takes to run an order. */
interface Means {
  readonly arena: Arena;
  readonly settings: ExecutionSettings;
  /** Puts everything back. */
  readonly restore: () => Promise<void>;
  readonly start: (ended: () => void) => readonly RunningActor[];
}

/** Runs actors alone, to find out what they do and are told without the others. */
export class Alone {
  readonly #means: Means;
  #rows: Rows | undefined;

  constructor(means: Means) {
    this.#means = means;
  }

  /**
   * Runs one actor from the baseline, the others waiting at their first step. `shifted` moves the
   * sequences elsewhere: values that differ from an unshifted run come from them and prove nothing.
   */
  async run(actor: number, shifted: boolean): Promise<Solo> {
    const { arena, start } = this.#means;
    await this.#means.restore();
    const since = await moment(arena.postgres);
    this.#rows ??= await readRows(arena.postgres, since);
    const keys = await keysOfAll(arena.redis);
    if (shifted) await shiftSequences(arena.postgres);
    const settings = { ...this.#means.settings, eventsMax: 0 };
    const execution = new Execution(arena, start, settings);
    try {
      await execution.run(only(actor), Promise.resolve());
    } finally {
      await execution.dispose();
    }
    return {
      lines: execution.lines.filter(line => line.actor === actor),
      sent: execution.witness.sent.filter(one => one.actor === actor),
      written: written(this.#rows, await readRows(arena.postgres, since)),
      keys: changedKeys(keys, await keysOfAll(arena.redis)),
    };
  }

  /** Asks a Redis which keys a command uses: the server knows its own commands. */
  async keysOf(sent: Sent): Promise<readonly UsedKey[]> {
    const node = Number(sent.store.split(' ')[1] ?? 1) - 1;
    const redis = this.#means.arena.redis[node];
    return redis === undefined ? [] : usedKeys(redis, sent);
  }
}
