/**
 * What a scenario states about its calls, in `<name>/calls.ts`. Node imports that file and k6
 * compiles it by itself, so it holds data and pure functions, and imports types alone.
 */
import type { Call } from '../contract/index.ts';

/** Creates something to contend for, always POST. */
export interface CreateRequest {
  readonly path: string;
  readonly body: object;
}

/** Who contends for one key. */
export interface Contention {
  /** `plain` or one of the scenario's `rounds`. */
  readonly kind: string;
  /** Distinct actors. */
  readonly rivals: number;
  /** How many calls they send at most, double taps included. */
  readonly calls: number;
}

/** A key that was made. */
export interface Key {
  /** The id under which the audit files it. */
  readonly id: string;
  /** Further ids that its calls name, in the order of the rivals. */
  readonly ids: readonly string[];
}

/** How keys are made and contended for by the public routes alone. */
export interface ScenarioCalls {
  /** Refusal reasons that claim nothing is left; the audit verifies the claim. */
  readonly exhaustedReasons: readonly string[];
  /** The kind of the `index`-th key, from 0, of a mix of all kinds. */
  kindOf(index: number, rivals: number): string;
  /** How many of the calls may be accepted. */
  capacity(contention: Contention): number;
  /** Makes the `index`-th key. The answer has its `id`. */
  makeKey(index: number, contention: Contention): CreateRequest;
  /** The list in that answer whose members have the `ids` of the key. */
  readonly listed?: string;
  /** Creates what a rival, from 0, needs on a key before it can call: its `id` joins the `ids`. */
  makeForRival?(keyId: string, rival: number): CreateRequest;
  /** The contended call of one rival, from 0. */
  call(key: Key, rival: number, contention: Contention): Call;
}
