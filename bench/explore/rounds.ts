/** The rounds to explore: those named by the scenario's load, and two that apply to every load. */
import type { RegisteredVariant } from '../../src/contract/index.ts';

export interface Round {
  readonly name: string;
  /** The kind of round for the load: `plain`, or one named by the scenario. */
  readonly kind: string;
  /** Further rivals, who never send anything. */
  readonly absent: number;
  /** Callers come in pairs that send the same call. */
  readonly doubleTap: boolean;
  /** Both of a pair use the same Idempotency-Key. */
  readonly sameKey: boolean;
  /** Describes the round, in sentences; empty for a plain one. */
  readonly titles: readonly string[];
}

export const plain = 'plain';
const doubleTap = 'double-tap';
const sameKey = 'same-key';

const titles = {
  [doubleTap]: 'Callers come in pairs that send the same call.',
  [sameKey]: 'Callers come in pairs that send the same call under one Idempotency-Key.',
};

/** The rounds of a variant, `plain` first. `+` combines two of them. */
export function roundNames({ rounds }: Pick<RegisteredVariant, 'rounds'>): string[] {
  return [plain, ...Object.keys(rounds), doubleTap, sameKey];
}

/** Parses `couple`, `double-tap`, `couple+double-tap`. Throws for an unknown name, listing the known ones. */
export function roundOf(variant: Pick<RegisteredVariant, 'rounds'>, name: string): Round {
  const known = roundNames(variant);
  const parts = name.split('+');
  const unknown = parts.find(part => !known.includes(part));
  if (unknown !== undefined)
    throw new Error(`unknown round '${unknown}'; expected one of ${known.join(', ')}`);
  const kinds = parts.filter(part => part !== doubleTap && part !== sameKey);
  if (new Set(kinds).size > 1) throw new Error(`cannot combine rounds ${kinds.join(' and ')}`);
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

/** The round in which the control must fail: sharing an Idempotency-Key would protect by itself. */
export function controlRound(name: string): string {
  return name.replace(sameKey, doubleTap);
}
