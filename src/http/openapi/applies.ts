import { isFailureCode } from '../../contract/index.ts';
import type { EdgeProblemCode, ProblemCode } from '../problems.ts';

/** What decides which problems an operation may answer. */
export interface Facts {
  /** It is a contended route. */
  readonly command?: boolean;
  /** It takes an Idempotency-Key. */
  readonly keyed?: boolean;
  /** It takes the headers that choose strategy and variant. */
  readonly choosing?: boolean;
  /** The strategy of the service cannot run it. */
  readonly notOffered?: boolean;
  /** It reads a body. */
  readonly body?: boolean;
  /** Something of its path, query or body is parsed. */
  readonly input?: boolean;
  /** It names something that need not be there. */
  readonly resource?: boolean;
  /** It asks the database. */
  readonly store?: boolean;
  readonly admin?: boolean;
  /** What it alone may answer. */
  readonly own?: readonly EdgeProblemCode[];
}

const never = (): boolean => false;
const toBodies = ({ body = false }: Facts): boolean => body;
const toChoosers = ({ choosing = false }: Facts): boolean => choosing;
const toKeys = ({ keyed = false }: Facts): boolean => keyed;
const toAdmins = ({ admin = false }: Facts): boolean => admin;

/** Where a problem of the edge may be met; everywhere, unless it is said here. */
const met: { readonly [code in EdgeProblemCode]?: (facts: Facts) => boolean } = {
  'route-not-found': never,
  'method-not-allowed': never,
  'not-ready': never,
  'metrics-unavailable': never,
  'flag-not-found': never,
  'unknown-scenario': never,
  'rollout-refused': never,
  'rollout-in-progress': never,
  'rollout-moved-on': never,
  'no-rollout': never,
  'strategy-assigned': toChoosers,
  'lock-not-taken': never,
  'lock-holder-changed': never,
  'lock-store-unavailable': never,
  'malformed-json': toBodies,
  'body-too-large': toBodies,
  'unsupported-media-type': toBodies,
  'invalid-input': ({ input = false }) => input,
  'not-found': ({ resource = false }) => resource,
  'unknown-strategy': toChoosers,
  'unknown-variant': toChoosers,
  'strategy-not-offered': toChoosers,
  'header-not-allowed': ({ command = false, choosing = false }) => command && !choosing,
  'idempotency-key-invalid': toKeys,
  'idempotency-not-offered': toKeys,
  'idempotency-in-flight': toKeys,
  'idempotency-key-reused': toKeys,
  refused: ({ command = false }) => command,
  'scenario-not-offered': ({ notOffered = false }) => notOffered,
  'admin-token-wrong': toAdmins,
  'admin-disabled': toAdmins,
};

/** Failures of commands alone: they come from a turn, a guard or attempts. */
const ofCommands: readonly ProblemCode[] = [
  'turn-refused',
  'turn-lost',
  'conflict',
  'stale-token',
  'redis-unavailable',
  'effect-unknown',
  'assignment-changed',
  'assignment-divided',
  'assignment-not-offered',
];

/** Whether an operation with these facts may answer this problem. */
export function applies(code: ProblemCode, facts: Facts): boolean {
  const { command = false, store = false, own = [] } = facts;
  if (isFailureCode(code)) {
    if (code === 'internal-error' || command) return true;
    return store && !ofCommands.includes(code);
  }
  return own.includes(code) || (met[code]?.(facts) ?? true);
}
