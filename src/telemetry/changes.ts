/**
 * Snapshots on their way between processes. Most series of a service rest between two scrapes, and
 * reading all of them again costs more than the scrape may take, so only what has changed is sent.
 */
import type { Snapshot } from './prometheus.ts';
import { isAlike } from './series.ts';

type Metric = Snapshot[number];
type Sample = Metric['values'][number];

/** One metric of which something has changed. */
export interface MetricChange {
  readonly metric: Omit<Metric, 'values'>;
  /** How many samples it has now. */
  readonly length: number;
  /** By their places among the samples. */
  readonly changed: readonly (readonly [place: number, sample: Sample])[];
}

export type Changes = readonly MetricChange[];

/** The sender's end. What it gives has to arrive, in order. */
export class ChangesSender {
  /** The instruments change their samples in place: what was sent is kept as copies. */
  readonly #sent = new Map<string, readonly Sample[]>();

  /**
   * What differs from what was sent before; everything at the first time. A metric that is not among
   * these has not changed.
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

/** The receiver's end: what the sender knows, as of its last message. */
export class ChangesReceiver {
  readonly #known = new Map<string, Metric>();

  /** The whole snapshot. Ones that were returned before stay as they are. */
  apply(changes: Changes): Snapshot {
    for (const { metric, length, changed } of changes) {
      const values = this.#known.get(metric.name)?.values.slice(0, length) ?? [];
      for (const [place, sample] of changed) values[place] = sample;
      this.#known.set(metric.name, { ...metric, values });
    }
    return [...this.#known.values()];
  }
}
