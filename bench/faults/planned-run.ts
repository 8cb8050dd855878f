/** From the options of a run to its cells. */
import type { RegisteredVariant } from '../../src/contract/index.ts';
import { isStrategyPath, loadRegistry } from '../../src/engine/registry.ts';
import { UsageError } from '../lab/command-line.ts';
import { scenarioOf } from '../lab/plan.ts';
import type { NamedFault } from './fault.ts';
import type { FaultsOptions } from './options.ts';
import { cellsOf, type Planned, strategiesOf } from './plan.ts';
import { faultsNamed, loadFaults } from './registry.ts';
import type { FaultsRun } from './schema.ts';

/** A rival that gets the lock when the lease has passed has time left to wait for the row. */
const waitShare = 3;

/** What a run strikes, and how. */
export interface Plan {
  readonly startedAt: string;
  readonly faults: readonly NamedFault[];
  readonly cells: readonly Planned[];
  readonly scenario: ReturnType<typeof scenarioOf>;
  readonly variant: RegisteredVariant;
  readonly variantName: string;
  /** What the service has to know besides its own. */
  readonly strategyFiles: readonly string[];
  readonly times: FaultsRun['times'];
}

/** Strategies that are there to be harmed by one fault, and are no part of the product. */
export function controlFiles(faults: readonly NamedFault[]): string[] {
  return faults.flatMap(({ control }) =>
    typeof control === 'object' && 'file' in control ? [control.file] : [],
  );
}

/** From the options and the registry. Throws `UsageError` and `RegistryError`. */
export async function planOf(options: FaultsOptions): Promise<Plan> {
  const faults = faultsNamed(await loadFaults(), options.faults);
  const files = [...options.strategies.filter(isStrategyPath), ...controlFiles(faults)];
  const registry = await loadRegistry(files);
  const scenario = scenarioOf(registry, options.scenario);
  const variant = scenario.registered.variants[options.variant];
  if (!variant) {
    const known = Object.keys(scenario.registered.variants).join(', ');
    throw new UsageError(
      `${scenario.name} has no variant '${options.variant}'; there are ${known}`,
    );
  }
  const strategies = strategiesOf(registry, options.strategies, variant);
  const cells = cellsOf(registry, { faults, phases: options.phases, strategies, variant });
  const { leaseMs } = options;
  const times = { leaseMs, waitMs: Math.round(leaseMs * waitShare) };
  const variantName = options.variant;
  const startedAt = new Date().toISOString();
  const head = { startedAt, faults, cells, scenario, variant, variantName, times };
  return { ...head, strategyFiles: files };
}
