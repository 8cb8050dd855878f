import type { Cost } from './cost.ts';
import { type Footprint, independent } from './footprint.ts';
import type { DecisionPoint } from './point.ts';

/** A point of the tree of schedules, known by the tokens that lead to it. */
export interface Node {
  readonly parent: Node | undefined;
  readonly token: string;
  readonly cost: Cost;
  /** Actors that have taken a step on the way here, or to whom something was done. */
  readonly started: ReadonlySet<number>;
  readonly weight: number;
  /** All that lies behind it equals what is visited elsewhere. */
  readonly redundant: boolean;
  point: DecisionPoint | undefined;
  /** What need not be taken here: an equivalent order is visited elsewhere. */
  sleep: ReadonlyMap<string, Footprint>;
  readonly done: Map<string, Footprint | undefined>;
  readonly children: Map<string, Node>;
}

/** Sleep sets (Godefroid): what was taken before a sibling and does not depend on it sleeps on. */
export function asleepAfter(
  parent: Node,
  token: string,
  touched: Footprint | undefined,
): ReadonlyMap<string, Footprint> {
  const asleep = new Map<string, Footprint>();
  for (const [other, footprint] of [...parent.sleep, ...parent.done]) {
    if (other === token || footprint === undefined) continue;
    if (independent(footprint, touched)) asleep.set(other, footprint);
  }
  return asleep;
}

export function branch(
  parent: Node | undefined,
  token: string,
  fixed: Pick<Node, 'cost' | 'started' | 'weight' | 'redundant'>,
): Node {
  return {
    parent,
    token,
    ...fixed,
    point: undefined,
    sleep: new Map(),
    done: new Map(),
    children: new Map(),
  };
}

export function path(node: Node): string[] {
  const tokens: string[] = [];
  for (let at: Node = node; at.parent !== undefined; at = at.parent) tokens.unshift(at.token);
  return tokens;
}
