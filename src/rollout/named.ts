import type { RegisteredStrategy, Registry } from '../engine/registry.ts';
import { both, type Composed } from './both.ts';
import { shadow } from './shadow.ts';

export type Found =
  | { readonly strategy: RegisteredStrategy }
  | { readonly unknown: string }
  | { readonly refused: string };

/** The syntax for two strategies in one transaction, and for one that is only tried under the other. */
const composition = /^(both|shadow):([a-z0-9-]+)\+([a-z0-9-]+)$/;
const ways: Readonly<Record<string, typeof both>> = { both, shadow };

/** One object per pair and registry, since turns are opened once per object. */
const composed = new WeakMap<Registry, Map<string, RegisteredStrategy>>();

/** Names of before. `none` read as English: "none failed". */
const renamed: Readonly<Record<string, string>> = { none: 'unprotected' };

const nameNow = (name: string): string =>
  Object.hasOwn(renamed, name) ? (renamed[name] ?? name) : name;

/**
 * Finds a strategy by name, or composes `both:row-lock+redis-lease`, in either order, or
 * `shadow:row-lock+redis-lease`, which holds the first and tries the second. `unknown` is the name that does not exist, `refused` why a pair cannot be combined.
 */
export function strategyNamed(registry: Registry, name: string): Found {
  const known = registry.strategies.get(nameNow(name));
  if (known) return { strategy: known };
  const [, way = '', one, other] = composition.exec(name) ?? [];
  const compose = ways[way];
  if (one === undefined || other === undefined || !compose) return { unknown: name };
  const first = registry.strategies.get(nameNow(one));
  const second = registry.strategies.get(nameNow(other));
  if (!first || !second) return { unknown: first ? other : one };
  return composedOf(registry, `${first.file} + ${second.file}`, compose(first, second));
}

function composedOf(registry: Registry, file: string, made: Composed): Found {
  if ('refused' in made) return made;
  const pairs = composed.get(registry) ?? new Map<string, RegisteredStrategy>();
  composed.set(registry, pairs);
  const strategy = pairs.get(made.name) ?? { ...made, file };
  pairs.set(made.name, strategy);
  return { strategy };
}
