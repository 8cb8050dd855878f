import type { Logger } from 'pino';
import type { Violation } from '../contract/index.ts';
import { type Ask, keep, tell } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { type Slice, Slices, type SlicesOptions, sliceMaxMs } from './slice.ts';

export interface SweepOptions extends SlicesOptions {
  readonly meter: Meter;
  readonly log: Logger;
  readonly everyMs?: number;
  /** How long what was found has to last before it counts. */
  readonly graceMs?: number;
}

const everyUsuallyMs = 1_000;
const graceUsuallyMs = 30_000;
const suspectsMax = 2_000; // keys; what is dropped is met again in the next lap

/** Keys that broke a rule, and when to look again. */
interface Suspects {
  readonly scenario: string;
  readonly keys: readonly string[];
  readonly dueMs: number;
}

/**
 * Goes over every key there is, again and again, in slices of at most 1 s: what was committed by
 * others than this service, or while it was away, is found too. All processes of all replicas share
 * one cursor per scenario in the database, so a slice is judged once a lap, and a restart goes on
 * where the last one ended. What is found counts when a second look, 30 s later, finds it still:
 * by then the audit of recent keys, which knows the strategy, has had its turn.
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #slices: Slices;
  #suspects: readonly Suspects[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #begun = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#slices = new Slices(options);
  }

  /** Sweeps from now on. */
  start(): void {
    const { meter, scenarios } = this.#options;
    for (const { name: scenario } of scenarios) {
      meter.zero('lockstep_audit_sweep_keys_total', { scenario });
      meter.zero('lockstep_audit_sweep_laps_total', { scenario });
    }
    this.#next();
  }

  /** Ends after the slice that runs. The pool belongs to the caller. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Judges what waits for its second look, and one slice. False where none was due. Never throws. */
  async run(): Promise<boolean> {
    const { meter, log } = this.#options;
    try {
      if (!this.#begun) await this.#begin();
      await this.#lookAgain();
      const startMs = performance.now();
      const slice = await this.#slices.next();
      if (!slice) return false;
      const seconds = (performance.now() - startMs) / 1_000;
      meter.observe('lockstep_audit_sweep_slice_duration_seconds', {}, seconds);
      this.#swept(slice);
      return true;
    } catch (error) {
      meter.add('lockstep_audit_failures_total', {});
      log.warn({ err: error }, 'a slice of the sweep could not be judged; it is tried again');
      return false;
    }
  }

  #next(): void {
    const { everyMs = everyUsuallyMs } = this.#options;
    this.#timer = setTimeout(() => {
      this.#running = this.run().then(() => {
        if (!this.#stopped) this.#next();
      });
    }, everyMs);
  }

  /** Also tells when laps ended that others have made. */
  async #begin(): Promise<void> {
    for (const { scenario, seconds } of await this.#slices.begin())
      this.#lapEnded(scenario, seconds);
    this.#begun = true;
  }

  #swept({ scenario, keys, ended, found }: Slice): void {
    const { meter, graceMs = graceUsuallyMs } = this.#options;
    meter.add('lockstep_audit_sweep_keys_total', { scenario }, keys);
    const waiting = this.#suspects.reduce((sum, one) => sum + one.keys.length, 0);
    const room = Math.max(0, suspectsMax - waiting);
    const suspect = [...new Set(found.map(({ key }) => key))].slice(0, room);
    const dueMs = performance.now() + graceMs;
    if (suspect.length > 0)
      this.#suspects = [...this.#suspects, { scenario, keys: suspect, dueMs }];
    if (!ended) return;
    meter.add('lockstep_audit_sweep_laps_total', { scenario });
    this.#lapEnded(scenario, Date.now() / 1_000);
  }

  async #lookAgain(): Promise<void> {
    const [first, ...others] = this.#suspects;
    const { scenarios, meter, log } = this.#options;
    const swept = scenarios.find(({ name }) => name === first?.scenario);
    if (!first || !swept || first.dueMs > performance.now()) return;
    const found = await this.#ask<Violation>(swept.auditSql, [first.keys, [], [], []]);
    const fresh = await keep(this.#ask, swept.name, found, new Map());
    this.#suspects = others;
    tell(fresh, found[0], { meter, log });
  }

  readonly #ask: Ask = async <R extends object>(text: string, values: readonly unknown[]) => {
    const config = { text, values: [...values], query_timeout: sliceMaxMs };
    return (await this.#options.pool.query<R>(config)).rows;
  };

  #lapEnded(scenario: string, seconds: number): void {
    const name = 'lockstep_audit_sweep_last_lap_timestamp_seconds';
    this.#options.meter.set(name, { scenario }, seconds);
  }
}
