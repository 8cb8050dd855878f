import type { Violation } from '../contract/index.ts';
import type { RunSql } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { RecentKeys } from './recent-keys.ts';

const keysMax = 50; // per scenario and look: a sample

/** What the second look needs from a scenario. */
export interface AuditedScenario {
  readonly name: string;
  readonly auditSql: string;
  readonly decidersSql: string;
  readonly registered: { readonly exhaustedReasons: readonly string[] };
}

/**
 * Rechecks a sample of the keys on which callers were told that nothing is left, two audits later:
 * is there capacity? A hint, not a violation: rows do not record refusals, and whoever held the
 * last place may have given it up since.
 */
export class SecondLook {
  readonly #meter: Meter;
  readonly #scenarios: readonly AuditedScenario[];
  readonly #fresh = new Map<string, RecentKeys>();
  readonly #ripe = new Map<string, RecentKeys>();

  constructor(scenarios: readonly AuditedScenario[], meter: Meter) {
    this.#scenarios = scenarios;
    this.#meter = meter;
    for (const { name } of scenarios) {
      this.#fresh.set(name, new RecentKeys(keysMax));
      this.#ripe.set(name, new RecentKeys(keysMax));
    }
  }

  /** A caller was refused on a key. Ignores reasons that do not claim that nothing is left. */
  refused(scenario: string, strategy: string, key: string, reason: string): void {
    const claims = this.#scenarios.find(({ name }) => name === scenario)?.registered
      .exhaustedReasons;
    if (claims?.includes(reason)) this.#fresh.get(scenario)?.add(key, strategy);
  }

  /** Rechecks what was refused before the previous run. Throws if Postgres cannot be queried. */
  async run(runSql: RunSql): Promise<void> {
    for (const { name: scenario, auditSql } of this.#scenarios) {
      const keys = this.#ripe.get(scenario)?.take(keysMax) ?? new Map<string, string>();
      for (const [key, strategy] of this.#fresh.get(scenario)?.take(keysMax) ?? [])
        this.#ripe.get(scenario)?.add(key, strategy);
      if (keys.size === 0) continue;
      const found = await runSql<Violation>(auditSql, [[...keys.keys()], [], [], [...keys.keys()]]);
      for (const strategy of keys.values())
        this.#meter.add('lockstep_refusals_sampled_total', { scenario, strategy });
      for (const { key, kind } of found)
        if (kind === 'false refusal') {
          const strategy = keys.get(key) ?? 'unknown';
          this.#meter.add('lockstep_refused_with_capacity_total', { scenario, strategy });
        }
    }
  }
}
