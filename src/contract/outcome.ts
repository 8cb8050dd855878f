import type { FailureCode } from './failure.ts';

/**
 * How a command ended. `accepted` and `refused` are business decisions; `busy` lost to contention
 * and `failed` hit an error, both without any effect; `unknown` may have taken effect (the reply to
 * COMMIT was lost, or a request had left the database before the attempt failed).
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

export const outcomeKinds = [
  'accepted',
  'refused',
  'busy',
  'failed',
  'unknown',
] as const satisfies readonly OutcomeKind[];
