import { loadRegistry } from '../../../src/engine/registry.ts';
import { type Exploration, type ExploreOptions, explore } from '../../../src/explore/explore.ts';
import { tableMarkdown } from '../../page/markdown.ts';
import { numbers, words } from '../../page/report.ts';
import { type CellServers, exploreCell } from '../cell.ts';
import { speedScenarios } from '../explore-speed-scenarios.ts';
import { planOf } from '../spec.ts';

/** The cost of one program with and without reduction. */
export interface Saved {
  readonly name: string;
  readonly unreduced: Cost;
  readonly reduced: Cost;
}

export interface Cost {
  /** Orders that ran to the end. */
  readonly orders: number;
  /** Executions abandoned because an equivalent order is counted already. */
  readonly pruned: number;
  readonly seconds: number;
  /** False if a limit stopped the search: the real number is larger. */
  readonly exhausted: boolean;
  readonly outcome: string;
}

export interface SavedLimits {
  readonly executionsMax: number;
  readonly secondsMax: number;
}

/** Callers of one key, under a strategy. */
const cells: readonly (readonly [scenario: string, strategy: string, callers: number])[] = [
  ['gift-card', 'row-lock', 2],
  ['gift-card', 'row-lock', 3],
  ['appointment', 'row-lock', 3],
  ['payout', 'row-lock', 3],
  ['gift-card', 'redis-lease', 3],
  ['gift-card', 'serializable', 3],
];

type Explores = (options: Omit<ExploreOptions, 'servers'>) => Promise<Exploration>;

/** Explores ten programs in every order, without events or statement phases; calls `told` after each. */
export async function measureSaved(
  servers: CellServers,
  { executionsMax, secondsMax }: SavedLimits,
  told: (saved: Saved) => void,
): Promise<Saved[]> {
  const whole = { preemptions: 'unbounded', phases: false, executionsMax, secondsMax } as const;
  const all: Saved[] = [];
  for (const [name, explores] of await programs(servers)) {
    const unreduced = await costOf(explores, { ...whole, reduce: false });
    const reduced = await costOf(explores, { ...whole, reduce: true, isolated: true });
    const saved = { name, unreduced, reduced };
    all.push(saved);
    told(saved);
  }
  return all;
}

async function programs(servers: CellServers): Promise<[string, Explores][]> {
  const registry = await loadRegistry();
  const ours = cells.map(([scenario, strategy, callers]): [string, Explores] => {
    const variants = registry.scenarios.get(scenario)?.registered.variants ?? {};
    const variant = Object.keys(variants)[0] ?? '';
    const strategies = Array.from({ length: callers }, () => strategy);
    const plan = planOf(registry, { scenario, variant, strategies, round: 'plain' });
    const name = `${scenario} under ${strategy}, ${callers} callers`;
    return [name, options => exploreCell(plan, servers, options)];
  });
  const redisUrls = [servers.redisUrl];
  const small = speedScenarios.slice(0, 4).map(({ name, subject }): [string, Explores] => {
    const own = { servers: { pgUrl: servers.pgUrl, redisUrls } };
    return [`${name}, 2 callers`, options => explore(subject, { ...options, ...own })];
  });
  return [...small, ...ours];
}

async function costOf(explores: Explores, options: Parameters<Explores>[0]): Promise<Cost> {
  const beganMs = performance.now();
  const { orders, pruned, exhausted, outcome } = await explores(options);
  return { orders, pruned, exhausted, outcome, seconds: (performance.now() - beganMs) / 1000 };
}

/** The table, with the saving: executions without reduction divided by executions with it. */
export function savedTable(all: readonly Saved[]): string {
  const columns = numbers('orders', 's', 'reduced', 'abandoned', 's', 'executions saved');
  const rows = all.map(({ name, unreduced, reduced }) => [
    name,
    most(unreduced, unreduced.orders),
    unreduced.seconds.toFixed(1),
    most(reduced, reduced.orders),
    String(reduced.pruned),
    reduced.seconds.toFixed(1),
    ratio(unreduced, reduced),
  ]);
  return `${tableMarkdown([...words('program'), ...columns], rows)}\n`;
}

function most({ exhausted }: Cost, orders: number): string {
  return exhausted ? String(orders) : `> ${orders}`;
}

function ratio(unreduced: Cost, reduced: Cost): string {
  if (!reduced.exhausted) return 'unknown';
  const times = unreduced.orders / (reduced.orders + reduced.pruned);
  return `${unreduced.exhausted ? '' : '> '}${times.toFixed(1)} ×`;
}
