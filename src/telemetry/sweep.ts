import type { Logger } from 'pino';
import type { Violation } from '../contract/index.ts';
import { type RunSql, recordFindings, reportFindings } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { type Slice, Slices, type SlicesOptions, sliceMaxMs } from './slice.ts';

export interface SweepOptions extends SlicesOptions {
  readonly meter: Meter;
  readonly log: Logger;
  readonly everyMs?: number;
  /** How long a finding must persist before it counts. */
  readonly graceMs?: number;
}

const everyDefaultMs = 1_000;
const graceDefaultMs = 30_000;
const suspectsMax = 2_000; // keys; the next lap finds dropped ones again

/** Keys with findings, and when to recheck them. */
interface Suspects {
  readonly scenario: string;
  readonly keys: readonly string[];
  readonly dueMs: number;
}

/**
 * Continuously audits all keys in slices of at most 1 s, so that violations committed by other
 * programs or while the service was down are found too. All processes of all replicas share one
 * cursor per scenario in the database, so each slice is audited once per lap, and a restart resumes
 * where the last run stopped. A finding counts if a recheck 30 s later still sees it: by then the
 * audit of recent keys, which knows the strategy, has had its chance to report it.
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

  /** Starts sweeping. */
  start(): void {
    const { meter, scenarios } = this.#options;
    for (const { name: scenario } of scenarios) {
      meter.zero('lockstep_audit_sweep_keys_total', { scenario });
      meter.zero('lockstep_audit_sweep_laps_total', { scenario });
    }
    this.#next();
  }

  /** Stops after the current slice. The pool belongs to the caller. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Rechecks pending suspects and audits one slice. False if none was due. Never throws. */
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
      log.warn({ err: error }, 'a slice of the sweep could not be audited; retrying');
      return false;
    }
  }

  #next(): void {
    const { everyMs = everyDefaultMs } = this.#options;
    this.#timer = setTimeout(() => {
      this.#running = this.run().then(() => {
        if (!this.#stopped) this.#next();
      });
    }, everyMs);
  }

  /** Also reports laps that other processes completed. */
  async #begin(): Promise<void> {
    for (const { scenario, seconds } of await this.#slices.begin())
      this.#lapEnded(scenario, seconds);
    this.#begun = true;
  }

  #swept({ scenario, keys, ended, found }: Slice): void {
    const { meter, graceMs = graceDefaultMs } = this.#options;
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
    const found = await this.#runSql<Violation>(swept.auditSql, [first.keys, [], [], []]);
    const fresh = await recordFindings(this.#runSql, swept.name, found, new Map());
    this.#suspects = others;
    reportFindings(fresh, found[0], { meter, log });
  }

  readonly #runSql: RunSql = async <R extends object>(text: string, values: readonly unknown[]) => {
    const config = { text, values: [...values], query_timeout: sliceMaxMs };
    return (await this.#options.pool.query<R>(config)).rows;
  };

  #lapEnded(scenario: string, seconds: number): void {
    const name = 'lockstep_audit_sweep_last_lap_timestamp_seconds';
    this.#options.meter.set(name, { scenario }, seconds);
  }
}
