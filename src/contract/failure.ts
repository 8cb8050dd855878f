/** Where in an attempt an error surfaced: it decides whether the effect may have happened. */
export type Phase = 'turn' | 'connect' | 'work' | 'autocommit' | 'commit';

/** What a failed attempt means. One row per failure; error handling and its documentation derive from it. */
export interface FailureRow {
  /** SQLSTATEs, or SQLSTATE classes where two characters are given. */
  readonly sqlstates: readonly string[];
  /** False where the effect may have happened. */
  readonly definite: boolean;
  /** Whether another attempt may be made; never true for an indefinite one. */
  readonly retry: boolean;
  /** How the command ends when no attempt is left. */
  readonly outcome: 'busy' | 'failed' | 'unknown';
  /** HTTP status of that end. */
  readonly status: number;
  readonly title: string;
  /** What happened and what the caller can do. */
  readonly meaning: string;
}

const row = (
  outcome: FailureRow['outcome'],
  status: number,
  retry: boolean,
  title: string,
  meaning: string,
  sqlstates: readonly string[] = [],
): FailureRow => ({
  outcome,
  status,
  retry,
  title,
  meaning,
  sqlstates,
  definite: outcome !== 'unknown',
});

/** The failure table. SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const failures = {
  'turn-refused': row(
    'busy',
    503,
    false,
    'Somebody else has the turn',
    'The lock was held by others for as long as this command could wait. Nothing happened; try again later.',
  ),
  conflict: row(
    'busy',
    503,
    true,
    'Another writer came first',
    'The row changed between the look and the write, in every attempt. Nothing happened; try again later.',
  ),
  'stale-token': row(
    'busy',
    503,
    true,
    'A newer lease holder has written',
    'The store refused a fencing token that a newer one has overtaken. Nothing happened; try again later.',
  ),
  'serialization-failure': row(
    'busy',
    503,
    true,
    'The transaction could not be serialized',
    'Concurrent transactions conflicted in every attempt. Nothing happened; try again later.',
    ['40001'],
  ),
  deadlock: row(
    'busy',
    503,
    true,
    'The transaction was a deadlock victim',
    'Postgres ended the transaction to break a cycle of lock waits. Nothing happened; try again later.',
    ['40P01'],
  ),
  'lock-not-available': row(
    'busy',
    503,
    false,
    'The row is locked',
    'The lock was not to be had at once, or not within the time that this command could wait. Nothing happened; try again later.',
    ['55P03'],
  ),
  'pool-exhausted': row(
    'busy',
    503,
    false,
    'No connection was free in time',
    'All connections of this process were in use for as long as this command could wait. Nothing happened; try again later.',
  ),
  'deadline-exceeded': row(
    'busy',
    503,
    false,
    'The command ran out of time',
    'The work did not end before the deadline and was rolled back. Nothing happened; try again later.',
    ['57014'],
  ),
  'constraint-violated': row(
    'busy',
    503,
    true,
    'A constraint refused the write',
    'The database refused a row that contradicts others, in every attempt. Nothing happened; look at the current state and try again.',
    ['23'],
  ),
  'turn-lost': row(
    'busy',
    503,
    true,
    'The lease was lost during the work',
    'The lock ran out or was taken away before the work ended, so it was rolled back. Nothing happened; try again later.',
  ),
  'connection-lost': row(
    'failed',
    503,
    true,
    'The connection to Postgres broke',
    'The connection ended before COMMIT was sent, in every attempt. Nothing happened; try again.',
    ['08', '57P01', '57P02', '57P05', '25P03', '25P04'],
  ),
  'postgres-unavailable': row(
    'failed',
    503,
    false,
    'Postgres cannot be reached',
    'No connection to Postgres could be opened. Nothing happened; try again when it is back.',
    ['57P03', '53300'],
  ),
  'redis-unavailable': row(
    'failed',
    503,
    false,
    'Redis cannot be reached',
    'The lock store does not answer, so nobody can be given the turn. Nothing happened; try again when it is back.',
  ),
  'outcome-unknown': row(
    'unknown',
    504,
    false,
    'It may have happened',
    'The reply to COMMIT was lost. Read the state before you try again: the effect may be there.',
  ),
  'internal-error': row(
    'failed',
    500,
    false,
    'An unexpected error',
    'The work ended with an error of ours and was rolled back. Nothing happened; the log has the details under the request id.',
  ),
} as const satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failures;

/** Narrows a string to a row of the failure table. */
export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(failures, code);
}

const brand: unique symbol = Symbol.for('lockstep.Failure');

/** Thrown by `Tx` and `Guardian`; its code is a row of the failure table. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  /** The stored fence that refused: the guardian raises its counter to it. */
  readonly mark: bigint | undefined;
  readonly [brand] = true;

  constructor(
    code: FailureCode,
    options: { readonly mark?: bigint; readonly cause?: unknown; readonly message?: string } = {},
  ) {
    super(options.message ?? failures[code].title, { cause: options.cause });
    this.code = code;
    this.mark = options.mark;
  }
}

/** By brand, since a strategy from outside may bring its own copy of this module. */
export function isFailure(error: unknown): error is Failure {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The caller's input is wrong; `issues` say where and how, and never repeat what was sent. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly issues: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: InvalidInput['issues']) {
    super(issues.map(issue => `${issue.path}: ${issue.message}`).join('; '));
    this.issues = issues;
  }
}

/** What the caller names does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
