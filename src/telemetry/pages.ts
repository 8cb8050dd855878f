import { pageOf, type Snapshot } from './prometheus.ts';

type Metric = Snapshot[number];

interface Written {
  /** The metric as reported by each process; these objects are never mutated. */
  readonly parts: readonly Metric[];
  readonly text: string;
}

/**
 * Writes successive pages. Between two scrapes most metrics do not change, and merging and
 * formatting them was most of the work: a metric with no news from any process keeps its text.
 */
export class PageWriter {
  #written: ReadonlyMap<string, Written> = new Map();

  /** The merged snapshots in the Prometheus text format. */
  async page(snapshots: readonly Snapshot[]): Promise<string> {
    const parts = new Map<string, Metric[]>();
    for (const metric of snapshots.flat()) {
      const same = parts.get(metric.name);
      if (same) same.push(metric);
      else parts.set(metric.name, [metric]);
    }
    const written = await Promise.all(
      [...parts].map(async ([name, own]) => [name, await this.#one(name, own)] as const),
    );
    this.#written = new Map(written);
    const texts = written.flatMap(([, { text }]) => (text === '' ? [] : [text]));
    return `${texts.join('\n\n')}\n`;
  }

  async #one(name: string, parts: readonly Metric[]): Promise<Written> {
    const known = this.#written.get(name);
    const rests = known?.parts.length === parts.length;
    if (known && rests && parts.every((part, at) => part === known.parts[at])) return known;
    const text = await pageOf(parts.map(part => [part]));
    return { parts, text: text.trimEnd() };
  }
}
