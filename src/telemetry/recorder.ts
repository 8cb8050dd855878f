import {
  type FailureCode,
  failures,
  isFailureCode,
  type Outcome,
  outcomeKinds,
  type ReleaseEnd,
  releaseEnds,
  violationKinds,
} from '../contract/index.ts';
import { type AttemptPhase, attemptPhases, type Cell, type Observer } from '../engine/observer.ts';
import type { Meter } from './prometheus.ts';

const durationOutcomes = ['accepted', 'refused', 'other'] as const;
/** Optional callbacks: keys worth auditing, and how the stores do. */
export interface Listeners {
  /** Something was, or may have been, committed on a key, here or outside. */
  readonly touched?: (cell: Cell, auditKey: string) => void;
  /** A caller was refused on a key. */
  readonly refused?: (cell: Cell, auditKey: string, reason: string) => void;
  /** An attempt ended with this error. */
  readonly failed?: (error: unknown) => void;
  /** A change was committed. */
  readonly accepted?: () => void;
  readonly ended?: (cell: Cell, kind: Outcome['kind'], seconds: number, auditKey: string) => void;
  /** A lock that is only tried was asked for. */
  readonly tried?: (cell: Cell, end: 'granted' | FailureCode) => void;
}

/** Turns engine events into metrics. */
export class Recorder implements Observer {
  readonly #meter: Meter;
  readonly #listeners: Listeners;
  readonly #exported = new Set<string>();

  constructor(meter: Meter, listeners: Listeners = {}) {
    this.#meter = meter;
    this.#listeners = listeners;
  }

  phase({ scenario, strategy }: Cell, phase: AttemptPhase, seconds: number): void {
    const labels = { scenario, strategy, phase };
    this.#meter.observe('lockstep_attempt_phase_seconds', labels, Math.max(0, seconds));
  }

  failure({ scenario, strategy }: Cell, code: FailureCode, error: unknown): void {
    this.#listeners.failed?.(error);
    this.#meter.add('lockstep_attempt_failures_total', { scenario, strategy, code });
  }

  release({ scenario, strategy }: Cell, end: ReleaseEnd): void {
    this.#meter.add('lockstep_lock_releases_total', { scenario, strategy, end });
    if (end === 'lost') this.#meter.add('lockstep_leases_lost_total', { scenario, strategy });
  }

  tried(cell: Cell, end: 'granted' | FailureCode): void {
    this.#listeners.tried?.(cell, end);
  }

  /** Whatever the caller was told: what is outside may be there. */
  reachedOut(cell: Cell, auditKey: string): void {
    this.#listeners.touched?.(cell, auditKey);
  }

  effectWithoutRecord({ scenario, strategy }: Cell): void {
    this.#meter.add('lockstep_effects_without_record_total', { scenario, strategy });
  }

  outcome(cell: Cell, ended: Outcome, seconds: number, auditKey: string): void {
    const { kind, attempts, detail } = ended;
    const { scenario, variant, strategy } = cell;
    const meter = this.#meter;
    this.#export(cell);
    if (kind === 'accepted') this.#listeners.accepted?.();
    this.#listeners.ended?.(cell, kind, seconds, auditKey);
    meter.add('lockstep_commands_total', { scenario, variant, strategy, outcome: kind });
    meter.add('lockstep_attempts_total', { scenario, strategy }, attempts);
    const outcome = kind === 'accepted' || kind === 'refused' ? kind : 'other';
    meter.observe('lockstep_command_duration_seconds', { scenario, strategy, outcome }, seconds);
    if (auditKey !== '' && (kind === 'accepted' || kind === 'unknown'))
      this.#listeners.touched?.(cell, auditKey);
    if (auditKey !== '' && kind === 'refused') this.#listeners.refused?.(cell, auditKey, detail);
  }

  /**
   * Exports every label set of a cell as 0. Only for cells of the configured strategy: each has
   * seven histogram series, and beyond about 100 series a scrape slows down requests. A cell chosen
   * by request headers is exported on first use.
   */
  expect(cell: Cell): void {
    this.#export(cell);
    const { scenario, strategy } = cell;
    for (const outcome of durationOutcomes)
      this.#meter.zero('lockstep_command_duration_seconds', { scenario, strategy, outcome });
    for (const phase of attemptPhases)
      this.#meter.zero('lockstep_attempt_phase_seconds', { scenario, strategy, phase });
  }

  #export(cell: Cell): void {
    const { scenario, variant, strategy } = cell;
    const name = `${scenario}/${variant}/${strategy}`;
    if (this.#exported.has(name)) return;
    this.#exported.add(name);
    const meter = this.#meter;
    for (const outcome of outcomeKinds)
      meter.zero('lockstep_commands_total', { scenario, variant, strategy, outcome });
    meter.zero('lockstep_attempts_total', { scenario, strategy });
    meter.zero('lockstep_effects_without_record_total', { scenario, strategy });
    for (const code of Object.keys(failures).filter(isFailureCode))
      meter.zero('lockstep_attempt_failures_total', { scenario, strategy, code });
    for (const kind of violationKinds)
      meter.zero('lockstep_violations_total', { scenario, strategy, kind });
    for (const end of releaseEnds)
      meter.zero('lockstep_lock_releases_total', { scenario, strategy, end });
    meter.zero('lockstep_leases_lost_total', { scenario, strategy });
    meter.zero('lockstep_refusals_sampled_total', { scenario, strategy });
    meter.zero('lockstep_refused_with_capacity_total', { scenario, strategy });
  }
}
