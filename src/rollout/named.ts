import type { RegisteredStrategy, Registry } from '../engine/registry.ts';
import { both } from './both.ts';

export type Found =
  | { readonly strategy: RegisteredStrategy }
  | { readonly unknown: string }
  | { readonly refused: string };

/** The syntax for two strategies in one transaction. */
const composition = /^both:([a-z0-9-]+)\+([a-z0-9-]+)$/;

/** One object per pair and registry, since turns are opened once per object. */
const composed = new WeakMap<Registry, Map<string, RegisteredStrategy>>();

/** Names of before. `none` read as English: "none failed". */
const renamed: Readonly<Record<string, string>> = { none: 'unprotected' };

const nameNow = (name: string): string =>
  Object.hasOwn(renamed, name) ? (renamed[name] ?? name) : name;

/**
 * Finds a strategy by name, or composes `both:row-lock+redis-lease`, in either order. `unknown` is
 * the name that does not exist, `refused` why a pair cannot be combined.
 */
export function strategyNamed(registry: Registry, name: string): Found {
  const known = registry.strategies.get(nameNow(name));
  if (known) return { strategy: known };
  const [, one, other] = composition.exec(name) ?? [];
  if (one === undefined || other === undefined) return { unknown: name };
  const first = registry.strategies.get(nameNow(one));
  const second = registry.strategies.get(nameNow(other));
  if (!first || !second) return { unknown: first ? other : one };
  return composedOf(registry, first, second);
}

function composedOf(registry: Registry, one: RegisteredStrategy, other: RegisteredStrategy): Found {
  const made = both(one, other);
  if ('refused' in made) return made;
  const pairs = composed.get(registry) ?? new Map<string, RegisteredStrategy>();
  composed.set(registry, pairs);
  const strategy = pairs.get(made.name) ?? { ...made, file: `${one.file} + ${other.file}` };
  pairs.set(made.name, strategy);
  return { strategy };
}
