import type { IncomingMessage } from 'node:http';
import type { Strategy, Wording } from '../contract/index.ts';
import type { RegisteredScenario, RegisteredStrategy, Registry } from '../engine/registry.ts';
import { strategyNamed } from '../rollout/named.ts';
import { Problem } from './answer.ts';

/** Under which strategy, and as which variant, a command runs. */
export interface Choice {
  readonly strategy: RegisteredStrategy;
  readonly variant: string;
}

export interface ChoiceOptions {
  readonly registry: Registry;
  /** The strategy of requests that choose none. */
  readonly strategy: RegisteredStrategy;
  readonly headersAllowed: boolean;
  /** Why a strategy cannot run in this service whatever the scenario; undefined where it can. */
  readonly missing: (strategy: Strategy) => string | undefined;
}

/**
 * Returns what decides for each request to a contended route: `variants` are those that it serves,
 * and the first of them is the usual one. Throws `Problem`.
 */
export function chooser(
  options: ChoiceOptions,
  variants: RegisteredScenario['registered']['variants'],
): (request: IncomingMessage) => Choice {
  const { registry, strategy, headersAllowed, missing } = options;
  const usual: Choice = { strategy, variant: Object.keys(variants)[0] ?? '' };
  const usualReason = reasonAgainst(usual, variants, missing);
  return ({ headers }) => {
    const name = headerOf(headers['lock-strategy']);
    const variantName = headerOf(headers['scenario-variant']);
    if (name === undefined && variantName === undefined) {
      if (usualReason) throw new Problem('scenario-not-offered', usualReason);
      return usual;
    }
    if (!headersAllowed) throw new Problem('header-not-allowed');
    const choice = {
      strategy: name === undefined ? strategy : named(name, registry),
      variant: variantName ?? usual.variant,
    };
    if (!Object.hasOwn(variants, choice.variant))
      throw new Problem('unknown-variant', undefined, { names: Object.keys(variants) });
    const reason = reasonAgainst(choice, variants, missing);
    if (reason) throw new Problem('strategy-not-offered', reason);
    return choice;
  };
}

/** Whether a strategy's wording is there in a variant, in a sentence where it is not. */
export function reasonAgainst(
  { strategy, variant }: Choice,
  variants: Readonly<Record<string, { readonly wordings: readonly Wording[] }>>,
  missing: ChoiceOptions['missing'],
): string | undefined {
  const { wording } = strategy.declared;
  const offered = variants[variant]?.wordings ?? [];
  if (!offered.includes(wording))
    return (
      `${strategy.name} runs the wording '${wording}', and variant '${variant}' is written as ` +
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
