import type { Choice } from './choice.ts';
import type { Node } from './node.ts';
import { type DecisionPoint, Nondeterministic } from './point.ts';

/** The tree that a walk goes through. */
export interface Tree {
  readonly root: Node;
  /** First arrival at a node: which choice to take there. */
  arrive(node: Node, point: DecisionPoint): Choice | undefined;
  child(node: Node, choice: Choice): Node;
}

/** One execution: repeats a known prefix, then goes on the cheapest way. */
export class Walk {
  readonly #tree: Tree;
  readonly #prefix: readonly string[];
  readonly tokens: string[] = [];
  node: Node;
  prunedAt: Node | undefined;

  constructor(tree: Tree, prefix: readonly string[]) {
    this.#tree = tree;
    this.#prefix = prefix;
    this.node = tree.root;
  }

  choose(point: DecisionPoint): Choice | undefined {
    const known = this.node.point;
    const forced = this.#prefix[this.tokens.length];
    if (known !== undefined) verify(known, point, this.tokens);
    const choice =
      known === undefined
        ? this.#tree.arrive(this.node, point)
        : point.choices.find(one => one.token === forced);
    if (choice === undefined) {
      if (forced !== undefined) throw new Nondeterministic(`no choice '${forced}' any more`);
      this.prunedAt = this.node;
      return undefined;
    }
    this.tokens.push(choice.token);
    this.node = this.#tree.child(this.node, choice);
    return choice;
  }

  /** Nobody has been at the point to which the last choice leads. */
  get isNew(): boolean {
    return this.node.point === undefined;
  }

  checkEnd(): void {
    if (this.tokens.length >= this.#prefix.length && this.node.point === undefined) return;
    const at = this.tokens.join('');
    throw new Nondeterministic(`the run ended after ${at}, where it went on before`);
  }
}

function verify(known: DecisionPoint, met: DecisionPoint, tokens: readonly string[]): void {
  const before = signature(known.choices);
  const now = signature(met.choices);
  if (before === now) return;
  throw new Nondeterministic(`after ${tokens.join('')}: before, ${before}; now, ${now}`);
}

function signature(choices: readonly Choice[]): string {
  return choices.map(choice => `${choice.token} ${choice.shape}`).join(' | ');
}
