import type { Choice } from './choice.ts';
import { type Bound, type Cost, cheapest, costAfter, noCost, within } from './cost.ts';
import { asleepAfter, branch, type Node, path } from './node.ts';
import { type DecisionPoint, OutOfTime } from './point.ts';
import type { Execute } from './scheduler.ts';
import { type Item, Walk } from './walk.ts';

export interface SearchPlan {
  readonly bound: Bound;
  readonly executionsMax: number;
  /** Tells when the time is over; asked before each execution. */
  readonly outOfTime: () => boolean;
  /** Leaves out orders that only differ in steps that do not touch each other. */
  readonly reduce: boolean;
  /** What is not left out even so: the shortest counterexample is to be among what is visited. */
  readonly simple: Bound | undefined;
  /** Actors with equal entries run the same code: only one order of their first steps is run. */
  readonly symmetry: readonly number[] | undefined;
}

export interface SearchEnd {
  /** Executions that ran to their end. */
  readonly executions: number;
  /** Executions abandoned because another covers their order. */
  readonly pruned: number;
  /** Every schedule within the bound was visited, up to reduction and symmetry. */
  readonly exhausted: boolean;
  /** It stopped early: out of budget, or because it was told to. */
  readonly stopped: boolean;
  /** Some schedule lies beyond the bound. */
  readonly cut: boolean;
  /** The share of the tree that was visited, by the branching that was met: 1 when exhausted. */
  readonly covered: number;
  /**
   * Branches left out because they follow a choice that the server made, between waiters freed by one
   * release, and did not make again.
   */
  readonly unrepeated: number;
}

/** One visited execution: its schedule and what it cost. */
export interface Visit {
  readonly tokens: readonly string[];
  readonly cost: Cost;
}

/**
 * Visits every schedule within the bound exactly once, the simplest first: by events, then by
 * preemptions. Throws Nondeterministic when a repeated prefix meets other choices than before.
 */
export class Search {
  readonly #plan: SearchPlan;
  readonly #root: Node = branch(undefined, '', {
    cost: noCost,
    started: new Set(),
    weight: 1,
    redundant: false,
  });
  readonly #frontier = new Map<string, Item[]>();
  #executions = 0;
  #pruned = 0;
  #cut = false;
  #covered = 0;
  /** Runs that the server's choice led to where nothing was left to do. */
  #inVain = 0;
  #unrepeated = 0;

  constructor(plan: SearchPlan) {
    this.#plan = plan;
  }

  /** Visits; `visited` is told after each full execution and may stop the search. */
  async run(execute: Execute, visited: (visit: Visit) => 'go on' | 'stop'): Promise<SearchEnd> {
    let next: Item | undefined;
    do {
      const { executionsMax, outOfTime } = this.#plan;
      const runs = this.#executions + this.#pruned + this.#inVain;
      if (runs >= executionsMax || outOfTime()) return this.#end(false);
      const walk = new Walk(this, next);
      if (await isLate(execute(walk))) return this.#end(false);
      if (walk.prunedAt === undefined) {
        walk.checkEnd();
        this.#executions++;
        this.#covered += walk.node.weight;
        if (visited({ tokens: walk.tokens, cost: walk.node.cost }) === 'stop') {
          return this.#end(false);
        }
      } else if (walk.strayed) this.#inVain++;
      else this.#pruned++;
      for (const item of walk.missed) this.#again(item);
      next = this.#next();
    } while (next !== undefined);
    return this.#end(true);
  }

  /** As if it had been stopped here. */
  get sofar(): SearchEnd {
    return this.#end(false);
  }

  get root(): Node {
    return this.#root;
  }

  get reduces(): boolean {
    return this.#plan.reduce;
  }

  /** First arrival: what may be taken here, and the branches left for later. */
  arrive(node: Node, point: DecisionPoint): Choice | undefined {
    node.point = point;
    if (this.#plan.reduce && node.parent !== undefined) {
      const touched = point.raced ? undefined : point.touched;
      node.sleep = asleepAfter(node.parent, node.token, touched);
      node.parent.done.set(node.token, touched);
    }
    const open = this.#open(node, point);
    const taken = cheapest(open, point.previous);
    for (const choice of [...open].reverse()) if (choice !== taken) this.#later(node, choice);
    return taken;
  }

  child(node: Node, choice: Choice): Node {
    const known = node.children.get(choice.token);
    if (known !== undefined) return known;
    const { choices, previous } = node.point ?? { choices: [], previous: undefined };
    const cost = costAfter(node.cost, choice, choices, previous);
    const { actor } = choice;
    const started = actor === undefined ? node.started : new Set([...node.started, actor]);
    const redundant = node.redundant || node.sleep.has(choice.token);
    const share = Math.max(1, node.point === undefined ? 1 : this.#open(node, node.point).length);
    const weight = node.weight / share;
    const made = branch(node, choice.token, { cost, started, weight, redundant });
    node.children.set(choice.token, made);
    return made;
  }

  #open(node: Node, point: DecisionPoint): Choice[] {
    const { bound, simple, symmetry } = this.#plan;
    return point.choices.filter(choice => {
      if (symmetry !== undefined && this.#isTwin(node, choice)) return false;
      const cost = costAfter(node.cost, choice, point.choices, point.previous);
      const equalsAnother = node.redundant || node.sleep.has(choice.token);
      if (equalsAnother && !(simple && within(cost, simple))) return false;
      const inside = within(cost, bound);
      if (!inside) this.#cut = true;
      return inside;
    });
  }

  /** An identical actor before it has not started: that order is the same with the names changed. */
  #isTwin(node: Node, choice: Choice): boolean {
    const groups = this.#plan.symmetry ?? [];
    const { actor } = choice;
    if (actor === undefined || node.started.has(actor)) return false;
    return groups.some((group, other) => {
      return other < actor && group === groups[actor] && !node.started.has(other);
    });
  }

  /** A branch below this node, for a run that the server's choice has led here. */
  below(node: Node): Item | undefined {
    return this.#next(item => path(item.node).includes(node));
  }

  #later(node: Node, choice: Choice): void {
    this.#push({ node, choice, missed: 0 });
  }

  #push(item: Item): void {
    const { choices, previous } = item.node.point ?? { choices: [], previous: undefined };
    const { events, preemptions } = costAfter(item.node.cost, item.choice, choices, previous);
    const key = `${events} ${preemptions}`;
    const waiting = this.#frontier.get(key);
    if (waiting === undefined) this.#frontier.set(key, [item]);
    else waiting.push(item);
  }

  /** Retried until the server has failed often enough to make that choice again. */
  #again(item: Item): void {
    item.missed++;
    const inRow = Math.max(...path(item.node).map(({ missed }) => missed));
    if (item.missed < missedMax && inRow < missedInRowMax) this.#push(item);
    else this.#unrepeated++;
  }

  #next(fits: (item: Item) => boolean = () => true): Item | undefined {
    const keys = [...this.#frontier.keys()].sort((a, b) => compareKeys(a, b));
    for (const key of keys) {
      const waiting = this.#frontier.get(key) ?? [];
      const at = waiting.findLastIndex(fits);
      const [item] = at < 0 ? [] : waiting.splice(at, 1);
      if (waiting.length === 0) this.#frontier.delete(key);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  #end(exhausted: boolean): SearchEnd {
    return {
      executions: this.#executions,
      pruned: this.#pruned,
      exhausted,
      stopped: !exhausted,
      cut: this.#cut,
      covered: exhausted ? 1 : this.#covered,
      unrepeated: this.#unrepeated,
    };
  }
}

async function isLate(execution: Promise<void>): Promise<boolean> {
  try {
    await execution;
    return false;
  } catch (error) {
    if (error instanceof OutOfTime) return true;
    throw error;
  }
}

/** A choice that the server makes one time in twenty nearly always occurs within this many runs. */
const missedMax = 60;
/** After this many misses in a row its other branches are given up. */
const missedInRowMax = 90;

function compareKeys(a: string, b: string): number {
  const [eventsA = 0, preemptionsA = 0] = a.split(' ').map(Number);
  const [eventsB = 0, preemptionsB = 0] = b.split(' ').map(Number);
  return eventsA - eventsB || preemptionsA - preemptionsB;
}
