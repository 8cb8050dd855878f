import type { IncomingMessage } from 'node:http';
import type { Strategy, Wording } from '../contract/index.ts';
import type { RegisteredScenario, RegisteredStrategy, Registry } from '../engine/registry.ts';
import { strategyNamed } from '../rollout/named.ts';
import { Problem } from './answer.ts';

/** The strategy and the variant that a command runs under. */
export interface Choice {
  readonly strategy: RegisteredStrategy;
  readonly variant: string;
  /** The request named the strategy. */
  readonly chosen?: true;
}

export interface ChoiceOptions {
  readonly registry: Registry;
  /** The default strategy. */
  readonly strategy: RegisteredStrategy;
  readonly headersAllowed: boolean;
  /** Why a strategy cannot run in this service under any scenario; undefined if it can. */
  readonly missing: (strategy: Strategy) => string | undefined;
}

/**
 * Returns a function that picks strategy and variant for each request to a contended route.
 * `variants` are those that the route serves; the first is the default. Throws `Problem`.
 */
export function chooser(
  options: ChoiceOptions,
  variants: RegisteredScenario['registered']['variants'],
): (request: IncomingMessage) => Choice {
  const { registry, strategy, headersAllowed, missing } = options;
  const byDefault: Choice = { strategy, variant: Object.keys(variants)[0] ?? '' };
  const defaultReason = reasonAgainst(byDefault, variants, missing);
  return ({ headers }) => {
    const name = headerOf(headers['lock-strategy']);
    const variantName = headerOf(headers['scenario-variant']);
    if (name === undefined && variantName === undefined) {
      if (defaultReason) throw new Problem('scenario-not-offered', defaultReason);
      return byDefault;
    }
    if (!headersAllowed) throw new Problem('header-not-allowed');
    const choice = {
      strategy: name === undefined ? strategy : named(name, registry),
      variant: variantName ?? byDefault.variant,
      ...(name !== undefined && { chosen: true as const }),
    };
    if (!Object.hasOwn(variants, choice.variant))
      throw new Problem('unknown-variant', undefined, { names: Object.keys(variants) });
    const reason = reasonAgainst(choice, variants, missing);
    if (reason) throw new Problem('strategy-not-offered', reason);
    return choice;
  };
}

/** Why a strategy cannot run a variant, as a sentence; undefined if it can. */
export function reasonAgainst(
  { strategy, variant }: Choice,
  variants: Readonly<Record<string, { readonly wordings: readonly Wording[] }>>,
  missing: ChoiceOptions['missing'],
): string | undefined {
  const { wording } = strategy.declared;
  const offered = variants[variant]?.wordings ?? [];
  if (!offered.includes(wording))
    return (
      `${strategy.name} needs the wording '${wording}', but variant '${variant}' offers only ` +
      offered.join(', ')
    );
  const lacks = missing(strategy.declared);
  return lacks && `${strategy.name} ${lacks}`;
}

function named(name: string, registry: Registry): RegisteredStrategy {
  const found = strategyNamed(registry, name);
  if ('strategy' in found) return found.strategy;
  if ('refused' in found) throw new Problem('strategy-not-offered', `${found.refused}.`);
  throw new Problem('unknown-strategy', undefined, { names: [...registry.strategies.keys()] });
}

function headerOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value.trim() : value?.[0];
}
