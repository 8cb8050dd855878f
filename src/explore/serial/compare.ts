import type { MaskedFact, Term } from './masks.ts';

/**
 * How two outcomes compare. `inside masks`: they are the same but for masked values that no one-to-one
 * renaming carries over, so that nothing is known.
 */
export type Likeness = 'equal' | 'inside masks' | 'unlike';

/** Attempts at pairing facts with equal skeletons; beyond them it is not known. */
const stepsMax = 50_000;

/** Compares multisets of facts, masked values up to a one-to-one renaming in each domain. */
export function likeness(a: readonly MaskedFact[], b: readonly MaskedFact[]): Likeness {
  const [left, right] = [grouped(a), grouped(b)];
  if (left.size !== right.size) return 'unlike';
  const groups: { readonly ones: readonly MaskedFact[]; readonly others: readonly MaskedFact[] }[] =
    [];
  for (const [skeleton, ones] of left) {
    const others = right.get(skeleton);
    if (others?.length !== ones.length) return 'unlike';
    groups.push({ ones, others });
  }
  groups.sort((one, other) => one.ones.length - other.ones.length);
  const masked = groups.filter(({ ones, others }) => {
    return [...ones, ...others].some(({ terms }) => terms.length > 0);
  });
  const pairs = masked.flatMap(({ ones, others }) => ones.map(one => ({ one, others })));
  return new Pairing(pairs).found ? 'equal' : 'inside masks';
}

/** What only one of them holds, by skeleton: extra in `a`, missing in it. */
export function unshared(
  a: readonly MaskedFact[],
  b: readonly MaskedFact[],
): { readonly extra: readonly MaskedFact[]; readonly missing: readonly MaskedFact[] } {
  return { extra: without(a, b), missing: without(b, a) };
}

function without(a: readonly MaskedFact[], b: readonly MaskedFact[]): MaskedFact[] {
  const left = new Map<string, number>();
  for (const { skeleton } of b) left.set(skeleton, (left.get(skeleton) ?? 0) + 1);
  return a.filter(({ skeleton }) => {
    const count = left.get(skeleton) ?? 0;
    left.set(skeleton, count - 1);
    return count <= 0;
  });
}

function grouped(facts: readonly MaskedFact[]): Map<string, MaskedFact[]> {
  const groups = new Map<string, MaskedFact[]>();
  for (const one of facts) {
    const group = groups.get(one.skeleton);
    if (group === undefined) groups.set(one.skeleton, [one]);
    else group.push(one);
  }
  return groups;
}

interface Pair {
  readonly one: MaskedFact;
  readonly others: readonly MaskedFact[];
}

/** Looks for a renaming that carries every fact over to one of its own. */
class Pairing {
  readonly found: boolean;
  readonly #pairs: readonly Pair[];
  readonly #used = new Set<MaskedFact>();
  readonly #there = new Map<string, string>();
  readonly #back = new Map<string, string>();
  #steps = 0;

  constructor(pairs: readonly Pair[]) {
    this.#pairs = pairs;
    this.found = this.#from(0);
  }

  #from(at: number): boolean {
    const pair = this.#pairs[at];
    if (pair === undefined) return true;
    for (const other of pair.others) {
      if (this.#used.has(other)) continue;
      if (++this.#steps > stepsMax) return false;
      const named = this.#rename(pair.one.terms, other.terms);
      if (named === undefined) continue;
      this.#used.add(other);
      if (this.#from(at + 1)) return true;
      this.#used.delete(other);
      this.#forget(named);
    }
    return false;
  }

  /** The new names, or undefined where one contradicts those that are known. */
  #rename(
    from: readonly Term[],
    to: readonly Term[],
  ): readonly (readonly [string, string])[] | undefined {
    const named: [string, string][] = [];
    if (from.length !== to.length) return undefined;
    for (const [at, term] of from.entries()) {
      const other = to[at];
      const [key, name] = [keyOf(term), other === undefined ? '' : keyOf(other)];
      const [there, back] = [this.#there.get(key), this.#back.get(name)];
      const apart = (term.fixed ?? other?.fixed) === true && key !== name;
      const fresh =
        !apart && there === undefined && back === undefined && term.domain === other?.domain;
      if (fresh) {
        this.#there.set(key, name);
        this.#back.set(name, key);
        named.push([key, name]);
      } else if (there !== name || back !== key) {
        this.#forget(named);
        return undefined;
      }
    }
    return named;
  }

  #forget(named: readonly (readonly [string, string])[]): void {
    for (const [key, name] of named) {
      this.#there.delete(key);
      this.#back.delete(name);
    }
  }
}

function keyOf({ domain, value }: Term): string {
  return `${domain}\u0000${value}`;
}
