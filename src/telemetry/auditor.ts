import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Violation, violationKinds } from '../contract/index.ts';
import { everyUsuallyMs, pauseMs } from './audit-pace.ts';
import { type Ask, keep, tell } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { RecentKeys } from './recent-keys.ts';
import { type Refusing, SecondLook } from './second-look.ts';

export interface AuditorOptions {
  /** Connections of the auditor's own: it must neither wait for work nor make it wait. */
  readonly pool: Pool;
  readonly scenarios: readonly Refusing[];
  readonly meter: Meter;
  readonly log: Logger;
  readonly everyMs?: number;
  /** Keys per audit and scenario. */
  readonly keysPerAuditMax?: number;
}

const keysPerAudit = 250; // 500 took 53 ms beside a million appointments: more than an audit may take
const keysMax = 20_000; // per scenario
const queryMaxMs = 5_000;
const lastAuditsMax = 5;

/**
 * Judges, every 2 s, the keys on which this process has accepted something: the scenario's audit
 * over committed rows. Whichever process commits last on a key judges all that was committed on it.
 * Live, rows alone are judged: nobody remembers every acknowledgement and every refusal.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #recent: ReadonlyMap<string, RecentKeys>;
  readonly #secondLook: SecondLook;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #away = false;
  /** How long the last audit took. */
  #tookMs = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#recent = new Map(options.scenarios.map(({ name }) => [name, new RecentKeys(keysMax)]));
    this.#secondLook = new SecondLook(options.scenarios, options.meter);
  }

  /** A key on which something was, or may have been, committed. */
  touched(scenario: string, strategy: string, key: string): void {
    const skipped = this.#recent.get(scenario)?.add(key, strategy) ?? 0;
    if (skipped > 0)
      this.#options.meter.add('lockstep_audit_keys_skipped_total', { scenario }, skipped);
  }

  /** Somebody was told no; a sample of those is looked at again. */
  refused(scenario: string, strategy: string, key: string, reason: string): void {
    this.#secondLook.refused(scenario, strategy, key, reason);
  }

  /** Keys that wait. */
  get backlog(): number {
    let keys = 0;
    for (const recent of this.#recent.values()) keys += recent.size;
    return keys;
  }

  /** Audits from now on. The time of the start counts as a success: nothing has been missed yet. */
  start(): void {
    const { meter, scenarios } = this.#options;
    for (const { name: scenario } of scenarios) {
      meter.zero('lockstep_audit_keys_total', { scenario });
      meter.zero('lockstep_audit_keys_skipped_total', { scenario });
      // what no single strategy can be blamed for
      for (const strategy of ['mixed', 'unknown'])
        for (const kind of violationKinds)
          meter.zero('lockstep_violations_total', { scenario, strategy, kind });
    }
    meter.beforeSnapshot(() => meter.set('lockstep_audit_backlog_keys', {}, this.backlog));
    this.#succeeded();
    this.#next();
  }

  /** Judges what is left, within a bound, and ends. The pool belongs to the caller. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    for (let last = 0; last < lastAuditsMax && this.backlog > 0 && !this.#away; last += 1)
      await this.run();
  }

  /**
   * One audit of every scenario's recent keys. Never throws: keys that could not be judged wait
   * on.
   */
  async run(): Promise<void> {
    const { meter, log, scenarios } = this.#options;
    const startMs = performance.now();
    const errors: unknown[] = [];
    for (const scenario of scenarios)
      await this.#audit(scenario).catch((error: unknown) => errors.push(error));
    await this.#secondLook.run(this.#ask).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) {
      meter.add('lockstep_audit_failures_total', {});
      if (!this.#away) log.warn({ err: errors[0] }, 'the live audit cannot run; it goes on trying');
      this.#away = true;
      return;
    }
    if (this.#away) log.info('the live audit runs again');
    this.#away = false;
    this.#tookMs = performance.now() - startMs;
    meter.observe('lockstep_audit_duration_seconds', {}, this.#tookMs / 1_000);
    this.#succeeded();
  }

  #next(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.run().then(() => {
        if (!this.#stopped) this.#next();
      });
    }, this.#pauseMs());
  }

  #pauseMs(): number {
    const { everyMs = everyUsuallyMs } = this.#options;
    const { backlog } = this;
    return pauseMs(everyMs, { tookMs: this.#tookMs, backlog, failed: this.#away });
  }

  async #audit({ name, auditSql }: Refusing): Promise<void> {
    const recent = this.#recent.get(name);
    const keys = recent?.take(this.#options.keysPerAuditMax ?? keysPerAudit);
    if (!recent || !keys || keys.size === 0) return;
    try {
      const { meter, log } = this.#options;
      const found = await this.#ask<Violation>(auditSql, [[...keys.keys()], [], [], []]);
      tell(await keep(this.#ask, name, found, keys), found[0], { meter, log });
      meter.add('lockstep_audit_keys_total', { scenario: name }, keys.size);
    } catch (error) {
      for (const [key, strategy] of keys) this.touched(name, strategy, key);
      throw error;
    }
  }

  readonly #ask: Ask = async <R extends object>(text: string, values: readonly unknown[]) => {
    const config = { text, values: [...values], query_timeout: queryMaxMs };
    return (await this.#options.pool.query<R>(config)).rows;
  };

  #succeeded(): void {
    const nowSeconds = Date.now() / 1_000;
    this.#options.meter.set('lockstep_audit_last_success_timestamp_seconds', {}, nowSeconds);
  }
}
