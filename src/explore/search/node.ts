import type { Cost } from './cost.ts';
import { type Footprint, independent } from './footprint.ts';
import type { DecisionPoint } from './point.ts';

/** A node of the tree of schedules, identified by the tokens that lead to it. */
export interface Node {
  readonly parent: Node | undefined;
  readonly token: string;
  readonly cost: Cost;
  /** Actors that have taken a step on the way here, or to whom something was done. */
  readonly started: ReadonlySet<number>;
  readonly weight: number;
  /** Everything below it is equivalent to what is visited elsewhere. */
  readonly redundant: boolean;
  point: DecisionPoint | undefined;
  /** The sleep set: choices that need not be taken here, since an equivalent order is visited. */
  sleep: ReadonlyMap<string, Footprint>;
  readonly done: Map<string, Footprint | undefined>;
  readonly children: Map<string, Node>;
  /** Other points that the same tokens have led to because the server chose otherwise. */
  readonly worlds: Node[];
  /** Consecutive runs that were meant to come here and ended up in another world. */
  missed: number;
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
    worlds: [],
    missed: 0,
  };
}

/** Where the server may choose otherwise: the node among `node` and its other worlds that has this point. */
export function worldOf(node: Node, point: DecisionPoint): Node {
  const met = signature(point);
  const known = [node, ...node.worlds].find(
    one => one.point === undefined || signature(one.point) === met,
  );
  if (known !== undefined) return known;
  const { parent, token, cost, started, redundant } = node;
  const made = branch(parent, token, { cost, started, weight: 0, redundant });
  node.worlds.push(made);
  return made;
}

export function signature({ choices }: DecisionPoint): string {
  return choices.map(choice => `${choice.token} ${choice.shape}`).join(' | ');
}

/** From the root to this one. */
export function path(node: Node): Node[] {
  const nodes: Node[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) nodes.unshift(at);
  return nodes;
}
