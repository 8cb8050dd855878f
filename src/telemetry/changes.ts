/**
 * Incremental transfer of snapshots between processes. Most series do not change between two
 * scrapes, and transferring all of them would take too long for a scrape, so only changes are sent.
 */
import type { Snapshot } from './prometheus.ts';
import { isAlike } from './series.ts';

type Metric = Snapshot[number];
type Sample = Metric['values'][number];

/** A metric with changed samples. */
export interface MetricChange {
  readonly metric: Omit<Metric, 'values'>;
  /** Current number of samples. */
  readonly length: number;
  /** Changed samples with their indices. */
  readonly changed: readonly (readonly [place: number, sample: Sample])[];
}

export type Changes = readonly MetricChange[];

/** The sending side. Its messages must all arrive, in order. */
export class ChangesSender {
  /** Copies, since the instruments mutate their samples in place. */
  readonly #sent = new Map<string, readonly Sample[]>();

  /**
   * The changes since the last call; everything on the first call. A metric missing from `snapshot`
   * has not changed.
   */
  since(snapshot: Snapshot): Changes {
    return snapshot.flatMap(({ values, ...metric }) => {
      const sent = this.#sent.get(metric.name);
      const changed = [...values.entries()].flatMap(([place, sample]) => {
        const before = sent?.[place];
        const rests = before && before.value === sample.value && isAlike(before, sample);
        return rests ? [] : [[place, { ...sample }] as const];
      });
      if (sent && changed.length === 0 && sent.length === values.length) return [];
      const next = sent?.slice(0, values.length) ?? [];
      for (const [place, sample] of changed) next[place] = sample;
      this.#sent.set(metric.name, next);
      return [{ metric, length: values.length, changed }];
    });
  }
}

/** The receiving side: the sender's state as of its last message. */
export class ChangesReceiver {
  readonly #known = new Map<string, Metric>();

  /** Returns the whole snapshot. Snapshots returned earlier are not mutated. */
  apply(changes: Changes): Snapshot {
    for (const { metric, length, changed } of changes) {
      const values = this.#known.get(metric.name)?.values.slice(0, length) ?? [];
      for (const [place, sample] of changed) values[place] = sample;
      this.#known.set(metric.name, { ...metric, values });
    }
    return [...this.#known.values()];
  }
}
