import { createHash } from 'node:crypto';

/** A rollout moves keys in so many groups: one hundredth of them at a time. */
export const groupCount = 100;

/**
 * The group of a resource key: the first 32 bits of its SHA-256, modulo 100. The same in every process
 * and language, and for good: a key that changed its group would be decided under two epochs.
 */
export function groupOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % groupCount;
}

/** The groups of several keys, each once and sorted: the one order in which gates are taken. */
export function groupsOf(keys: readonly string[]): readonly number[] {
  return [...new Set(keys.map(groupOf))].sort((a, b) => a - b);
}
