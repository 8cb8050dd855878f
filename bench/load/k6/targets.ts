/**
 * Which key each command of a run goes to. Pure, and drawn from the seed: every virtual user finds
 * the same answer without asking anybody.
 */
import { randomOf } from '../../lab/random.ts';

/** One key after the other, keys of which few get most, or keys that all get the same. */
export type Spread = 'hot' | 'zipf' | 'uniform';

export interface TargetsPlan {
  readonly commands: number;
  /** Commands that each key gets before a fresh one takes its place. */
  readonly commandsPerKey: number;
  /** Keys that are in use at the same time; of no meaning for `hot`. */
  readonly keys: number;
  readonly spread: Spread;
  readonly seed: number;
}

export interface Targets {
  /** How many keys have to be made. */
  readonly keys: number;
  /** Of each command the number of its key. */
  readonly keyOf: readonly number[];
  /** Of each command how many came before it on its key. */
  readonly placeOf: readonly number[];
}

/** The exponent of YCSB's Zipf distribution (Cooper et al., SoCC 2010). */
const zipfExponent = 0.99;

/** Draws all targets. Takes time and space in proportion to commands and keys. */
export function targetsOf(plan: TargetsPlan): Targets {
  const { commands, commandsPerKey, seed } = plan;
  const draw = slots(plan, randomOf(seed, 'targets'));
  const inUse = new Map<number, { key: number; used: number }>();
  const keyOf: number[] = [];
  const placeOf: number[] = [];
  let keys = 0;
  for (let command = 0; command < commands; command += 1) {
    const slot = draw();
    let current = inUse.get(slot);
    if (!current || current.used === commandsPerKey) {
      current = { key: keys, used: 0 };
      inUse.set(slot, current);
      keys += 1;
    }
    keyOf.push(current.key);
    placeOf.push(current.used);
    current.used += 1;
  }
  return { keys, keyOf, placeOf };
}

function slots({ spread, keys }: TargetsPlan, random: () => number): () => number {
  if (spread === 'hot') return () => 0;
  if (spread === 'uniform') return () => Math.floor(random() * keys);
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= keys; rank += 1) {
    sum += 1 / rank ** zipfExponent;
    sums.push(sum);
  }
  return () => firstAtLeast(sums, random() * sum);
}

/** The index of the first of the ascending numbers that is not below the value. */
function firstAtLeast(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
