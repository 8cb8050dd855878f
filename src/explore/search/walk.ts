import type { Choice } from './choice.ts';
import { type Node, path, signature, worldOf } from './node.ts';
import { type DecisionPoint, Nondeterministic } from './point.ts';
import type { Scheduler } from './scheduler.ts';

/** A branch that was left for later. */
export interface Item {
  readonly node: Node;
  readonly choice: Choice;
  /** Runs that were meant to take it and could not: the server chose otherwise. */
  missed: number;
}

/** The tree that a walk goes through. */
export interface Tree {
  readonly root: Node;
  /** Branches are left out by what steps touch. */
  readonly reduces: boolean;
  /** First arrival at a node: which choice to take there. */
  arrive(node: Node, point: DecisionPoint): Choice | undefined;
  child(node: Node, choice: Choice): Node;
  /** Takes a branch that was left for later below this node. */
  below(node: Node): Item | undefined;
}

/** One execution: repeats a known prefix, then goes on the cheapest way. */
export class Walk implements Scheduler {
  readonly #tree: Tree;
  #item: Item | undefined;
  #nodes: readonly Node[];
  readonly #length: number;
  readonly tokens: string[] = [];
  node: Node;
  prunedAt: Node | undefined;
  /** Branches that this run was meant to take and could not: the server chose otherwise. */
  readonly missed: Item[] = [];
  strayed = false;

  constructor(tree: Tree, item: Item | undefined) {
    this.#tree = tree;
    this.node = tree.root;
    this.#item = item;
    this.#nodes = item === undefined ? [] : path(item.node);
    this.#length = this.#nodes.length;
  }

  next(point: DecisionPoint): Choice | undefined {
    if (this.node.point !== undefined) this.#verify(this.node.point, point);
    const choice =
      this.node.point === undefined ? this.#tree.arrive(this.node, point) : this.#forced(point);
    if (choice === undefined) {
      this.prunedAt = this.node;
      return undefined;
    }
    this.tokens.push(choice.token);
    this.node = this.#tree.child(this.node, choice);
    return choice;
  }

  /** The last choice leads to a point that no run has reached before. */
  get isNew(): boolean {
    return this.node.point === undefined;
  }

  /** Only at points that are new; elsewhere it is already known. */
  needsTouched(): boolean {
    return this.#tree.reduces && this.isNew;
  }

  /** Throws Nondeterministic where the run ended and one before it went on. */
  checkEnd(): void {
    if (this.strayed || (this.tokens.length >= this.#length && this.isNew)) return;
    const at = this.tokens.join('');
    throw new Nondeterministic(`the run ended after ${at}, where it went on before`);
  }

  /** The point that was known, or another one where the server may choose. */
  #verify(known: DecisionPoint, met: DecisionPoint): void {
    const chosen = met.raced === true || this.node.worlds.length > 0;
    if (chosen) this.node = worldOf(this.node, met);
    else if (signature(known) !== signature(met)) {
      const [before, now] = [signature(known), signature(met)];
      throw new Nondeterministic(`after ${this.tokens.join('')}: before, ${before}; now, ${now}`);
    }
    const expected = this.#nodes[this.tokens.length];
    if (expected === undefined) return;
    if (this.node === expected) expected.missed = 0;
    else this.#stray(expected);
  }

  /** The planned branch has to wait; this run takes one that was left for later where it ended up. */
  #stray(expected: Node): void {
    expected.missed++;
    this.strayed = true;
    if (this.#item !== undefined) this.missed.push(this.#item);
    this.#item = this.node.point === undefined ? undefined : this.#tree.below(this.node);
    this.#nodes = this.#item === undefined ? [] : path(this.#item.node);
  }

  #forced(point: DecisionPoint): Choice | undefined {
    const at = this.tokens.length;
    const token = this.#nodes[at + 1]?.token ?? (this.#nodes[at] && this.#item?.choice.token);
    if (token === undefined) return undefined;
    const choice = point.choices.find(one => one.token === token);
    if (choice === undefined) throw new Nondeterministic(`no choice '${token}' any more`);
    return choice;
  }
}
