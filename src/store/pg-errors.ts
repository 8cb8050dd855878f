import pg from 'pg';
import {
  Failure,
  type FailureCode,
  failures,
  isFailure,
  isFailureCode,
  type Phase,
} from '../contract/index.ts';

const bySqlstate = new Map<string, FailureCode>();
for (const [code, row] of Object.entries(failures))
  for (const state of row.sqlstates) if (isFailureCode(code)) bySqlstate.set(state, code);

const connectionCodes: ReadonlySet<FailureCode> = new Set([
  'connection-lost',
  'postgres-unavailable',
]);

/**
 * Maps a node-postgres error to a row of the failure table. Errors without an SQLSTATE come from
 * the socket: while connecting they mean that Postgres is unavailable, later that the connection
 * was lost, and during COMMIT or an autocommit statement that the outcome is unknown.
 */
export function pgFailure(error: unknown, phase: Phase): Failure {
  if (isFailure(error)) return error;
  const code = codeOf(error, phase);
  const unknown = connectionCodes.has(code) && (phase === 'commit' || phase === 'autocommit');
  return new Failure(unknown ? 'outcome-unknown' : code, { cause: error });
}

function codeOf(error: unknown, phase: Phase): FailureCode {
  if (error instanceof pg.DatabaseError && error.code) {
    if (isSerializableOnStandby(error)) return 'postgres-read-only';
    const known = bySqlstate.get(error.code) ?? bySqlstate.get(error.code.slice(0, 2));
    return known ?? (phase === 'connect' ? 'postgres-unavailable' : 'internal-error');
  }
  return phase === 'connect' ? 'postgres-unavailable' : 'connection-lost';
}

/** A standby has no SERIALIZABLE, and refuses its BEGIN before any statement could be read-only. */
function isSerializableOnStandby({ code, message }: pg.DatabaseError): boolean {
  return code === '0A000' && /standby/i.test(message);
}
