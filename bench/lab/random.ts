/** Reproducible random numbers: a run prints its seed, and the same seed yields the same numbers. */
import { mulberry32 } from '../../src/explore/mulberry32.ts';

/** Uniform in [0, 1). One stream per purpose: draws for one purpose do not shift those of another. */
export function randomOf(seed: number, purpose: string): () => number {
  return mulberry32(fnv1a(`${seed} ${purpose}`));
}

/** A new list in random order. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map(item => ({ item, at: random() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}
