/** Where in an attempt an error surfaced; decides whether the effect may have happened. */
export type Phase = 'turn' | 'connect' | 'work' | 'autocommit' | 'commit';

/**
 * What a failed attempt means. One row per failure; error handling and its documentation derive
 * from it.
 */
export interface FailureRow {
  /** SQLSTATEs, or SQLSTATE classes where two characters are given. */
  readonly sqlstates: readonly string[];
  /** False where the effect may have happened. */
  readonly definite: boolean;
  /** Whether another attempt may be made; never true for an indefinite one. */
  readonly retry: boolean;
  /** How the command ends when no attempts are left. */
  readonly outcome: 'busy' | 'failed' | 'unknown';
  /** HTTP status of that outcome. */
  readonly status: number;
  readonly title: string;
  /** What happened and what the caller can do. */
  readonly meaning: string;
  /** Set where a store answers, but refuses what a command needs of it; the operator has to act. */
  readonly refusedBy?: 'Postgres' | 'Redis';
  /** First words of the error replies of Redis that mean this. */
  readonly redisReplies?: readonly string[];
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

/** A store that answers and refuses: definite, and over when its operator has acted. */
const refusal = (
  refusedBy: 'Postgres' | 'Redis',
  title: string,
  meaning: string,
  codes: Pick<FailureRow, 'redisReplies'> & { readonly sqlstates?: readonly string[] },
): FailureRow => ({
  ...row('failed', 503, false, title, meaning, codes.sqlstates),
  refusedBy,
  ...(codes.redisReplies && { redisReplies: codes.redisReplies }),
});

/** The failure table. SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const failures = {
  'turn-refused': row(
    'busy',
    503,
    false,
    'The lock is held by another caller',
    'The lock was not released within the time this command could wait. Nothing happened; try again later.',
  ),
  'caller-left': row(
    'busy',
    503,
    false,
    'The caller has left',
    'The connection of the caller closed while the command waited, so it was given up. Nothing happened; send it again if it is still wanted.',
  ),
  'too-many-waiters': row(
    'busy',
    503,
    false,
    'Too many commands are waiting',
    'So many commands wait already, for the same key or in this process, that this one was not let in. Nothing happened; try again after the time in Retry-After.',
  ),
  conflict: row(
    'busy',
    503,
    true,
    'Write conflict',
    'The row changed between the read and the write, in every attempt. Nothing happened; try again later.',
  ),
  'stale-token': row(
    'busy',
    503,
    true,
    'Stale fencing token',
    'The store has seen a newer fencing token and rejected this one. Nothing happened; try again later.',
  ),
  'serialization-failure': row(
    'busy',
    503,
    true,
    'Serialization failure',
    'Concurrent transactions conflicted in every attempt. Nothing happened; try again later.',
    ['40001'],
  ),
  deadlock: row(
    'busy',
    503,
    true,
    'Deadlock',
    'Postgres aborted the transaction to break a deadlock, in every attempt. Nothing happened; try again later.',
    ['40P01'],
  ),
  'lock-not-available': row(
    'busy',
    503,
    false,
    'The row is locked',
    'Another transaction holds the row lock, and this command could not wait for it, or not any longer. Nothing happened; try again later.',
    ['55P03'],
  ),
  'pool-exhausted': row(
    'busy',
    503,
    false,
    'Connection pool exhausted',
    'All connections of this process were in use for as long as this command could wait. Nothing happened; try again later.',
  ),
  'deadline-exceeded': row(
    'busy',
    503,
    false,
    'Deadline exceeded',
    'The work did not finish before the deadline and was rolled back. Nothing happened; try again later.',
    ['57014'],
  ),
  'constraint-violated': row(
    'busy',
    503,
    true,
    'Constraint violation',
    'The database rejected a row that conflicts with existing ones, in every attempt. Nothing happened; read the current state and try again.',
    ['23'],
  ),
  'value-rejected': row(
    'failed',
    400,
    false,
    'A value that Postgres does not accept',
    'Postgres cannot take a value that was sent, such as a date that it does not know. Nothing happened; correct the request.',
    ['22'],
  ),
  'turn-lost': row(
    'busy',
    503,
    true,
    'The lock was lost during the work',
    'The lease expired or was taken away, or the lock connection broke, before the work was done, so it was rolled back. Nothing happened; try again later.',
  ),
  'connection-lost': row(
    'failed',
    503,
    true,
    'Connection to Postgres lost',
    'The connection broke before COMMIT was sent, in every attempt. Nothing happened; try again.',
    ['08', '57P01', '57P02', '57P05', '25P03', '25P04'],
  ),
  'postgres-unavailable': row(
    'failed',
    503,
    false,
    'Postgres is unavailable',
    'No connection to Postgres could be opened. Nothing happened; try again when it is back.',
    ['57P03', '53300'],
  ),
  'redis-unavailable': row(
    'failed',
    503,
    false,
    'Redis is unavailable',
    'The lock store does not respond, so no lock can be granted. Nothing happened; try again when it is back.',
  ),
  'postgres-read-only': refusal(
    'Postgres',
    'Postgres is read-only',
    'The database takes no changes: it is a standby, or it was set read-only. Nothing happened; try again when it can be written.',
    { sqlstates: ['25006'] },
  ),
  'postgres-disk-full': refusal(
    'Postgres',
    'The disk of Postgres is full',
    'Postgres had no room for the change and rolled it back. Nothing happened; try again when there is room.',
    { sqlstates: ['53100'] },
  ),
  'redis-read-only': refusal(
    'Redis',
    'Redis is a read-only replica',
    'The lock store is a replica, which grants no locks. Nothing happened; try again when it is the primary, or when the service has the address of the primary.',
    { redisReplies: ['READONLY'] },
  ),
  'redis-refuses-writes': refusal(
    'Redis',
    'Redis refuses writes',
    'The lock store cannot save its data or has too few replicas, and takes no writes until it can. Nothing happened; try again then.',
    { redisReplies: ['MISCONF', 'NOREPLICAS'] },
  ),
  'redis-out-of-memory': refusal(
    'Redis',
    'Redis is out of memory',
    'The lock store has reached its maxmemory, so no lock can be granted. Nothing happened; try again when it has room.',
    { redisReplies: ['OOM'] },
  ),
  'redis-cluster-node': refusal(
    'Redis',
    'Redis is a node of a cluster',
    'The lock store answers that another node has this lock. Nothing happened; the operator has to name a single Redis.',
    { redisReplies: ['MOVED', 'ASK', 'CROSSSLOT'] },
  ),
  'lock-key-misused': refusal(
    'Redis',
    'The key of the lock holds something else',
    'Under the name of this lock Redis has a value that is no lock, so nobody can be given it. A foreign string looks like a lock that is held, and is told as that. Nothing happened; the operator has to remove the key.',
    { redisReplies: ['WRONGTYPE'] },
  ),
  'outcome-unknown': row(
    'unknown',
    504,
    false,
    'Outcome unknown',
    'The reply to COMMIT, or that of another system which the command asked, was lost, so the change may have been made. Read the current state before you try again.',
  ),
  'effect-unknown': row(
    'unknown',
    504,
    false,
    'Sent outside, not recorded here',
    'The command sent a request to another system, and then its own transaction did not commit, or may not have. That system may have done what was asked, with no record of it here. Do not send the command again before you have looked there; the command id was sent along.',
  ),
  'internal-error': row(
    'failed',
    500,
    false,
    'Internal error',
    'The work failed with an unexpected error and was rolled back. Nothing happened; the log has the details under the request id.',
  ),
} as const satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failures;

/** Whether a string is a code of the failure table. */
export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(failures, code);
}

const brand: unique symbol = Symbol.for('lockstep.Failure');

/** Thrown by `Tx` and `Guardian`; `code` names a row of the failure table. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  /** The stored fence that rejected the token; the guardian raises its counter to it. */
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

/** Checks a brand, not the class: an external strategy may bring its own copy of this module. */
export function isFailure(error: unknown): error is Failure {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The caller's input is invalid. `issues` say where and why, and never echo the input. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly issues: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: InvalidInput['issues']) {
    super(issues.map(issue => `${issue.path}: ${issue.message}`).join('; '));
    this.issues = issues;
  }
}

/** The resource that the caller names does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
