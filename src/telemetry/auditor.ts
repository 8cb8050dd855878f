import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Violation, violationKinds } from '../contract/index.ts';
import { everyDefaultMs, pauseMs } from './audit-pace.ts';
import { Deciders } from './deciders.ts';
import { type RunSql, recordFindings, reportFindings } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { RecentKeys } from './recent-keys.ts';
import { type AuditedScenario, SecondLook } from './second-look.ts';

export interface AuditorOptions {
  /** The auditor's own connections: it must neither wait for work nor delay it. */
  readonly pool: Pool;
  readonly scenarios: readonly AuditedScenario[];
  readonly meter: Meter;
  readonly log: Logger;
  /** Knows the names of strategies that this process does not run itself. */
  readonly deciders?: Deciders;
  /** Told of the keys of an audit that began then, once what it found is recorded. */
  readonly audited?: (scenario: string, keys: Iterable<string>, startedMs: number) => void;
  readonly everyMs?: number;
  /** Keys per audit and scenario. */
  readonly keysPerAuditMax?: number;
}

const keysPerAudit = 250; // 500 took 53 ms with a million appointments: over the goal for one audit
const keysMax = 20_000; // per scenario
const queryMaxMs = 5_000;
const lastAuditsMax = 5;

/**
 * Every 2 s, runs the scenario's audit on the keys on which this process has accepted a command
 * or sent something outside.
 * The process that commits last on a key audits everything committed on it. The live audit covers
 * only rows: acknowledgements and refusals are not kept.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #recent: ReadonlyMap<string, RecentKeys>;
  readonly #secondLook: SecondLook;
  readonly #deciders: Deciders;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #away = false;
  /** How long the last audit took. */
  #tookMs = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#recent = new Map(options.scenarios.map(({ name }) => [name, new RecentKeys(keysMax)]));
    this.#deciders = options.deciders ?? new Deciders();
    this.#secondLook = new SecondLook(options.scenarios, options.meter);
  }

  /** A key on which something was, or may have been, committed, here or outside. */
  touched(scenario: string, strategy: string, key: string): void {
    this.#deciders.learn(strategy);
    const skipped = this.#recent.get(scenario)?.add(key, strategy) ?? 0;
    if (skipped > 0)
      this.#options.meter.add('lockstep_audit_keys_skipped_total', { scenario }, skipped);
  }

  /** A caller was refused; a sample of refusals is rechecked. */
  refused(scenario: string, strategy: string, key: string, reason: string): void {
    this.#secondLook.refused(scenario, strategy, key, reason);
  }

  /** Number of keys waiting for their audit. */
  get backlog(): number {
    let keys = 0;
    for (const recent of this.#recent.values()) keys += recent.size;
    return keys;
  }

  /** Starts auditing. The start time counts as a success: nothing has been missed yet. */
  start(): void {
    const { meter, scenarios } = this.#options;
    for (const { name: scenario } of scenarios) {
      meter.zero('lockstep_audit_keys_total', { scenario });
      meter.zero('lockstep_audit_keys_skipped_total', { scenario });
      // violations that cannot be attributed to a single strategy
      for (const strategy of ['mixed', 'unknown'])
        for (const kind of violationKinds)
          meter.zero('lockstep_violations_total', { scenario, strategy, kind });
    }
    meter.beforeSnapshot(() => meter.set('lockstep_audit_backlog_keys', {}, this.backlog));
    this.#succeeded();
    this.#next();
  }

  /** Audits what is left, within a bound, and stops. The pool belongs to the caller. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    for (let last = 0; last < lastAuditsMax && this.backlog > 0 && !this.#away; last += 1)
      await this.run();
  }

  /**
   * One audit of every scenario's recent keys. Never throws: after a failure the keys keep waiting.
   */
  async run(): Promise<void> {
    const { meter, log, scenarios } = this.#options;
    const startMs = performance.now();
    const errors: unknown[] = [];
    for (const scenario of scenarios)
      await this.#audit(scenario).catch((error: unknown) => errors.push(error));
    await this.#secondLook.run(this.#runSql).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) {
      meter.add('lockstep_audit_failures_total', {});
      if (!this.#away) log.warn({ err: errors[0] }, 'the live audit failed; retrying');
      this.#away = true;
      return;
    }
    if (this.#away) log.info('the live audit has recovered');
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
    const { everyMs = everyDefaultMs } = this.#options;
    const { backlog } = this;
    return pauseMs(everyMs, { tookMs: this.#tookMs, backlog, failed: this.#away });
  }

  async #audit({ name, auditSql, decidersSql }: AuditedScenario): Promise<void> {
    const recent = this.#recent.get(name);
    const keys = recent?.take(this.#options.keysPerAuditMax ?? keysPerAudit);
    if (!recent || !keys || keys.size === 0) return;
    const startedMs = performance.now();
    try {
      const { meter, log, audited } = this.#options;
      const found = await this.#runSql<Violation>(auditSql, [[...keys.keys()], [], [], []]);
      const served = new Map(keys); // by this process; others may have served the same keys
      if (found.length > 0) {
        const hit = [...new Set(found.map(({ key }) => key))];
        for (const [key, strategy] of await this.#deciders.of(this.#runSql, decidersSql, hit))
          served.set(key, strategy);
      }
      const fresh = await recordFindings(this.#runSql, name, found, served);
      reportFindings(fresh, found[0], { meter, log });
      meter.add('lockstep_audit_keys_total', { scenario: name }, keys.size);
      audited?.(name, keys.keys(), startedMs);
    } catch (error) {
      for (const [key, strategy] of keys) this.touched(name, strategy, key);
      throw error;
    }
  }

  readonly #runSql: RunSql = async <R extends object>(text: string, values: readonly unknown[]) => {
    const config = { text, values: [...values], query_timeout: queryMaxMs };
    return (await this.#options.pool.query<R>(config)).rows;
  };

  #succeeded(): void {
    const nowSeconds = Date.now() / 1_000;
    this.#options.meter.set('lockstep_audit_last_success_timestamp_seconds', {}, nowSeconds);
  }
}
