import type { Violation } from '../contract/index.ts';
import type { Ask } from './findings.ts';
import type { Meter } from './prometheus.ts';
import { RecentKeys } from './recent-keys.ts';

const keysMax = 50; // per scenario and look: a sample

/** What the second look needs of a scenario. */
export interface Refusing {
  readonly name: string;
  readonly auditSql: string;
  readonly registered: { readonly exhaustedReasons: readonly string[] };
}

/**
 * Of callers that were told that nothing is left, looks again at a sample of their keys, two audits
 * later: was there room? An indicator and no violation: rows hold no refusals, and whoever held the
 * last place then may have given it back since.
 */
export class SecondLook {
  readonly #meter: Meter;
  readonly #scenarios: readonly Refusing[];
  readonly #fresh = new Map<string, RecentKeys>();
  readonly #ripe = new Map<string, RecentKeys>();

  constructor(scenarios: readonly Refusing[], meter: Meter) {
    this.#scenarios = scenarios;
    this.#meter = meter;
    for (const { name } of scenarios) {
      this.#fresh.set(name, new RecentKeys(keysMax));
      this.#ripe.set(name, new RecentKeys(keysMax));
    }
  }

  /** Somebody was refused on a key; reasons that do not claim that nothing is left are passed over. */
  refused(scenario: string, strategy: string, key: string, reason: string): void {
    const claims = this.#scenarios.find(({ name }) => name === scenario)?.registered
      .exhaustedReasons;
    if (claims?.includes(reason)) this.#fresh.get(scenario)?.add(key, strategy);
  }

  /** Looks at what was refused before the last look. Throws where Postgres cannot be asked. */
  async run(ask: Ask): Promise<void> {
    for (const { name: scenario, auditSql } of this.#scenarios) {
      const keys = this.#ripe.get(scenario)?.take(keysMax) ?? new Map<string, string>();
      for (const [key, strategy] of this.#fresh.get(scenario)?.take(keysMax) ?? [])
        this.#ripe.get(scenario)?.add(key, strategy);
      if (keys.size === 0) continue;
      const found = await ask<Violation>(auditSql, [[...keys.keys()], [], [], [...keys.keys()]]);
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
