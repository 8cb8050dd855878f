import type { FailureCode } from './failure.ts';

/**
 * How a command ended. `accepted` and `refused` are the business's word, `busy` could not get the turn
 * in time, `failed` certainly did not happen, `unknown` may have happened (a lost reply to COMMIT).
 */
export type Outcome =
  | { readonly kind: 'accepted'; readonly detail: string; readonly attempts: number }
  | { readonly kind: 'refused'; readonly detail: string; readonly attempts: number }
  | {
      readonly kind: 'busy' | 'failed' | 'unknown';
      readonly detail: FailureCode;
      readonly attempts: number;
    };

export type OutcomeKind = Outcome['kind'];

/** Every kind, so that a metric can be exported as 0 from the start. */
export const outcomeKinds: readonly OutcomeKind[] = [
  'accepted',
  'refused',
  'busy',
  'failed',
  'unknown',
];
