import type { Input, Registered, Strategy } from '../contract/index.ts';
import type { IdempotencyKey } from './idempotency.ts';
import type { Cell } from './observer.ts';
import type { Span } from './trace.ts';

/** A command with everything that determines how it runs. */
export interface Command {
  readonly scenario: { readonly name: string; readonly registered: Registered };
  readonly variant: string;
  readonly strategy: { readonly name: string; readonly declared: Strategy };
  readonly commandId: string;
  readonly input: Input;
  /** The caller chose the strategy, for lab use: then its keys must not be assigned to any. */
  readonly chosen?: true;
  /** Stored with the effect: a repeated command gets the first answer and does nothing. */
  readonly idempotency?: IdempotencyKey;
  /** Where its time is recorded; absent: nowhere. */
  readonly span?: Span;
  /** On the clock of `Backends.now`; absent: when it is served. Its time runs from here. */
  readonly arrivedMs?: number;
  /** Aborted when nobody waits for the answer any more: while it only waits, it is given up. */
  readonly left?: AbortSignal;
}

/**
 * Whether its effect is outside the database and repeating it does harm. True for a variant that
 * does not exist, which nothing is known of.
 */
export function hasEffectOutside({ scenario, variant }: Command): boolean {
  return scenario.registered.variants[variant]?.effect !== 'inside';
}

/** The cell a command belongs to. */
export function cellOf({ scenario, variant, strategy }: Command): Cell {
  return { scenario: scenario.name, variant, strategy: strategy.name };
}
