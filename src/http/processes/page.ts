import { PageWriter } from '../../telemetry/pages.ts';
import {
  countersOf,
  type Meter,
  mergeSnapshots,
  type Snapshot,
} from '../../telemetry/prometheus.ts';

const workerAnswerMs = 1_000;

/** One process that contributes to the page. */
export interface Source {
  /** Requests a snapshot; the response goes to `PageMaker.take`. */
  readonly ask: (ask: number) => void;
}

/**
 * The metrics page of the whole service: the sum over all its processes.
 *
 * Counters never go down while the service runs. A process that does not respond within 1 s
 * contributes its last known counts and no gauges; a process that has ended keeps contributing its
 * last counts. A killed process loses what it counted since the last page.
 */
export class PageMaker {
  readonly #meter: Meter;
  readonly #writer = new PageWriter();
  readonly #live = new Map<Source, Snapshot | undefined>();
  readonly #waiting = new Map<Source, (answered: boolean) => void>();
  #departed: Snapshot = [];
  #making: Promise<string> | undefined;
  #folding: Promise<void> = Promise.resolve();
  #asks = 0;

  /** `meter`: the instruments of the service itself, besides those of its processes. */
  constructor(meter: Meter) {
    this.#meter = meter;
  }

  join(source: Source): void {
    this.#live.set(source, undefined);
  }

  /** Takes a snapshot from a process, whether requested or sent on exit. */
  take(source: Source, snapshot: Snapshot): void {
    if (!this.#live.has(source)) return;
    this.#live.set(source, snapshot);
    this.#waiting.get(source)?.(true);
  }

  /** A process has ended: its counts stay. */
  leave(source: Source): void {
    const last = this.#live.get(source);
    this.#live.delete(source);
    this.#waiting.get(source)?.(false);
    if (!last) return;
    this.#folding = this.#folding.then(async () => {
      this.#departed = await mergeSnapshots([this.#departed, countersOf(last)]);
    });
  }

  /** Concurrent callers share the page that is being made. */
  page(): Promise<string> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<string> {
    this.#asks += 1;
    const ask = this.#asks;
    const sources = [...this.#live.keys()];
    const answered = await Promise.all(sources.map(source => this.#answers(source, ask)));
    await this.#folding;
    const shares = [...this.#live].flatMap(([source, snapshot]) => {
      if (!snapshot) return [];
      return [answered[sources.indexOf(source)] ? snapshot : countersOf(snapshot)];
    });
    const inPage = answered.filter(Boolean).length;
    this.#meter.set('lockstep_processes_in_page', {}, inPage);
    return this.#writer.page([await this.#meter.snapshot(), ...shares, this.#departed]);
  }

  #answers(source: Source, ask: number): Promise<boolean> {
    return new Promise(resolve => {
      const settle = (answered: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(source);
        resolve(answered);
      };
      const timer = setTimeout(settle, workerAnswerMs, false);
      this.#waiting.set(source, settle);
      source.ask(ask);
    });
  }
}
