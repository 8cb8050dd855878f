import { markOf, originOf } from '../engine/command-id.ts';
import type { RunSql } from './findings.ts';
import type { Keys } from './recent-keys.ts';

/** Two commands that met began within this time: WAIT_MS is a minute at most, and work takes more. */
const metWithinMs = 120_000;
const commandsPerKeyMax = 64;

/**
 * Reads from the rows which strategies decided a key, whatever process or replica they ran in. Asked
 * only about keys with a finding.
 */
export class Deciders {
  readonly #names = new Map<string, string>();
  readonly #known = new Set<string>();

  constructor(strategies: Iterable<string> = []) {
    for (const name of strategies) this.learn(name);
  }

  /** A strategy that runs somewhere; an id holds only the mark of its name. */
  learn(strategy: string): void {
    if (this.#known.has(strategy)) return;
    this.#known.add(strategy);
    this.#names.set(markOf(strategy), strategy);
  }

  /**
   * The strategy per key, `mixed` if there were several, `unknown` if its name is not known here. A
   * key whose newest effects were not written by commands of ours is left out.
   */
  async of(runSql: RunSql, decidersSql: string, keys: readonly string[]): Promise<Keys> {
    const rows = await runSql<{ key: string; command_id: string }>(decidersSql, [
      keys,
      commandsPerKeyMax,
    ]);
    const ids = new Map<string, string[]>();
    for (const { key, command_id } of rows) ids.set(key, [...(ids.get(key) ?? []), command_id]);
    const decided = new Map<string, string>();
    for (const [key, written] of ids) {
      const strategy = this.strategyOf(written);
      if (strategy !== undefined) decided.set(key, strategy);
    }
    return decided;
  }

  /**
   * Of the commands that may have met the newest one: who served the key before is not to blame.
   * Undefined if none of the ids is ours.
   */
  strategyOf(commandIds: readonly string[]): string | undefined {
    const origins = commandIds.flatMap(id => originOf(id) ?? []);
    const newestMs = Math.max(...origins.map(({ beganMs }) => beganMs));
    const met = origins.filter(({ beganMs }) => beganMs >= newestMs - metWithinMs);
    const [mark, ...others] = new Set(met.map(origin => origin.mark));
    if (mark === undefined) return undefined;
    return others.length > 0 ? 'mixed' : (this.#names.get(mark) ?? 'unknown');
  }
}
