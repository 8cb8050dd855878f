/** How commands end, as the engine tells it. Pure. */
import {
  type Decision,
  type FailureCode,
  failures,
  isFailure,
  type Outcome,
  type Plan,
} from '../contract/index.ts';
import type { StoredAnswer } from './idempotency.ts';

/** An outcome, and the error behind it where there was one. */
export interface Ending {
  readonly outcome: Outcome;
  readonly error?: unknown;
}

/** A store that is down while a command is prepared is an outcome, not an exception. */
export function unprepared(error: unknown): Ending {
  if (!isFailure(error)) throw error;
  return ending(error.code, 0, error);
}

export function ending(code: FailureCode, attempts: number, error: unknown): Ending {
  return { outcome: { kind: failures[code].outcome, detail: code, attempts }, error };
}

/** The answer that was stored under an idempotency key. */
export function replayed({ outcome, auditKey, commandId }: StoredAnswer, plan: Plan) {
  return { outcome, auditKey: auditKey || plan.auditKey, replayed: { commandId } };
}

export function decided(decision: Decision, attempts: number): Outcome {
  return 'accepted' in decision
    ? { kind: 'accepted', detail: decision.accepted, attempts }
    : { kind: 'refused', detail: decision.refused, attempts };
}

export function codeOf(error: unknown): FailureCode {
  return isFailure(error) ? error.code : 'internal-error';
}
