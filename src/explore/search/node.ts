import { type Choice, isEvent } from './choice.ts';
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
  /** What may be taken behind a choice, met or concluded. */
  readonly behind: Map<string, ReadonlySet<string>>;
  readonly children: Map<string, Node>;
  /** Other points to which the same tokens have led, by a choice of the server's. */
  readonly worlds: Node[];
  /** Runs in a row that were to come here and came to another world. */
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

/**
 * Whether a branch that was left for later would be given up at its first point, by what was met
 * where another step came before it: two steps that do not touch each other lead to the same, and
 * all that can follow sleeps. Notes what the step touches as if it had been taken.
 */
export function coveredBranch(node: Node, { token, actor, kind }: Choice): boolean {
  if (actor === undefined || !isPlain(kind)) return false;
  for (const other of node.point?.choices.filter(one => isPlain(one.kind)) ?? []) {
    const [first, later] = [node.done.get(other.token), node.children.get(other.token)];
    if (other.actor === actor || first === undefined || later?.worlds.length !== 0) continue;
    const [touched, behind] = [later.done.get(token), later.behind.get(token)];
    if (touched?.actors.size !== 1 || behind === undefined) continue;
    // Who was seen to wait behind the other may wait for what only that step has locked.
    if (!independent(first, { ...touched, waitsFor: undefined })) continue;
    const before = node.point?.choices.filter(one => one.actor !== actor && !isEvent(one)) ?? [];
    const possible = new Set([...behind, ...before.map(one => one.token)]);
    const asleep = asleepAfter(node, token, touched);
    if (![...possible].every(one => asleep.has(one))) continue;
    node.done.set(token, touched);
    node.behind.set(token, possible);
    return true;
  }
  return false;
}

function isPlain(kind: Choice['kind']): boolean {
  return kind === 'step' || kind === 'effect' || kind === 'wake';
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
    behind: new Map(),
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
