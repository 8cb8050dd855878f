/** The rounds that callers are explored in: those that the scenario's load names, and two that every load has. */
import type { RegisteredVariant } from '../../src/contract/index.ts';

export interface Round {
  readonly name: string;
  /** For the load: `plain`, or a kind that the scenario names. */
  readonly kind: string;
  /** Rivals beyond the callers, who never come. */
  readonly absent: number;
  /** Callers come in pairs that send the same call. */
  readonly doubleTap: boolean;
  /** The two of a pair send it under one Idempotency-Key. */
  readonly sameKey: boolean;
  /** What is different in it, in sentences; empty for a plain one. */
  readonly titles: readonly string[];
}

export const plain = 'plain';
const doubleTap = 'double-tap';
const sameKey = 'same-key';

const titles = {
  [doubleTap]: 'Callers come in pairs that send the same call.',
  [sameKey]: 'Callers come in pairs that send the same call under one Idempotency-Key.',
};

/** All that a variant can be explored in, `plain` first. `+` puts two of them together. */
export function roundNames({ rounds }: Pick<RegisteredVariant, 'rounds'>): string[] {
  return [plain, ...Object.keys(rounds), doubleTap, sameKey];
}

/** `couple`, `double-tap`, `couple+double-tap`. Throws for a name that does not exist; the message says which do. */
export function roundOf(variant: Pick<RegisteredVariant, 'rounds'>, name: string): Round {
  const known = roundNames(variant);
  const parts = name.split('+');
  const unknown = parts.find(part => !known.includes(part));
  if (unknown !== undefined)
    throw new Error(`there is no round '${unknown}' here; there are ${known.join(', ')}`);
  const kinds = parts.filter(part => part !== doubleTap && part !== sameKey);
  if (new Set(kinds).size > 1) throw new Error(`a round is ${kinds.join(' or ')}, not both`);
  const kind = kinds[0] ?? plain;
  const found = variant.rounds[kind];
  const keyed = parts.includes(sameKey);
  const pairs = keyed || parts.includes(doubleTap);
  return {
    name,
    kind,
    absent: found?.absent ?? 0,
    doubleTap: pairs,
    sameKey: keyed,
    titles: [
      ...(found ? [found.title] : []),
      ...(keyed ? [titles[sameKey]] : pairs ? [titles[doubleTap]] : []),
    ],
  };
}

/** What has to be seen to fail without any protection: one key for two calls protects by itself. */
export function controlRound(name: string): string {
  return name.replace(sameKey, doubleTap);
}
