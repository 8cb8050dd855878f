/** The serial oracle beside our audits: each order of a cell is judged by both. */
import { predict } from '../../src/contract/index.ts';
import type { Registry } from '../../src/engine/registry.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { timelineText } from '../../src/explore/timeline/text.ts';
import { type CellServers, callerNames, exploreCell } from './cell.ts';
import { type CellSpec, notOffered, optionsOf, planOf, usualReach } from './spec.ts';
import { eventsOf } from './verdict.ts';

/** What both said of the orders of one cell. */
export interface BesideAudit {
  readonly scenario: string;
  readonly strategy: string;
  /** What the strategy claims without an event. */
  readonly claim: 'safe' | 'unsafe' | 'no claim';
  readonly orders: number;
  readonly exhausted: boolean;
  readonly beside: NonNullable<Exploration['serial']>['beside'];
  readonly kinds: NonNullable<Exploration['serial']>['orders'];
  /** Why nothing could be judged; empty otherwise. */
  readonly why: string;
  readonly seconds: number;
  /** One order that only one of them rejects. */
  readonly disagreement: { readonly why: string; readonly timeline: string } | undefined;
}

/** How often a command tried is no part of what it did. */
const ignore = ['answer:attempts'];

/** Every cell of the usual variant and the plain round, the control's first. */
export function besideSpecs(registry: Registry, strategies: readonly string[]): CellSpec[] {
  return [...registry.scenarios.values()].flatMap(({ name, registered }) => {
    const [variant] = Object.keys(registered.variants);
    if (variant === undefined) return [];
    const specs = strategies.map(strategy => {
      return { scenario: name, variant, strategies: [strategy, strategy], round: 'plain' };
    });
    return specs.filter(spec => notOffered(planOf(registry, spec)) === undefined);
  });
}

/** Explores one cell without an event, judged by its audit and by the serial orders. */
export async function besideAudit(
  registry: Registry,
  spec: CellSpec,
  servers: CellServers,
  limits: { readonly secondsMax: number; readonly signal: AbortSignal },
): Promise<BesideAudit> {
  const plan = planOf(registry, spec);
  const startMs = performance.now();
  const options = { ...optionsOf({ ...usualReach, events: [] }), ...limits };
  const found = await exploreCell(plan, servers, options, { judge: 'serial', ignore });
  const [strategy] = plan.strategies;
  const traits = plan.scenario.registered.variants[plan.variant];
  if (strategy === undefined || traits === undefined) throw new Error('a cell without a strategy');
  const { verdict } = predict(strategy.declared, traits, eventsOf('none', true));
  const { serial } = found;
  const order = serial?.alone.get('the audit alone') ?? serial?.alone.get('serial orders alone');
  const said = order?.record.judgement?.why ?? '';
  return {
    scenario: plan.scenario.name,
    strategy: strategy.name,
    claim: verdict === 'safe' || verdict === 'unsafe' ? verdict : 'no claim',
    orders: found.orders,
    exhausted: found.exhausted,
    beside: serial?.beside ?? nothing.beside,
    kinds: serial?.orders ?? nothing.kinds,
    why: serial === undefined || found.orders === 0 ? found.why : '',
    seconds: (performance.now() - startMs) / 1_000,
    disagreement: order && {
      why: [said, ...order.record.violations].join('; '),
      timeline: timelineText({ actors: callerNames(plan), counterexample: order }),
    },
  };
}

const nothing = {
  beside: { both: 0, 'the audit alone': 0, 'serial orders alone': 0, neither: 0 },
  kinds: {
    'effects differ': 0,
    'never ends': 0,
    'only answers differ': 0,
    'only an error that asks for a retry': 0,
    'not judged': 0,
    'equals a serial order': 0,
  },
} as const;
