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
 * Reads an error of node-postgres as a row of the failure table. Errors without an SQLSTATE come from
 * the socket: before a connection stands they mean that Postgres is away, later that it was lost, and
 * while a COMMIT or a statement in autocommit is under way that nobody knows.
 */
export function pgFailure(error: unknown, phase: Phase): Failure {
  if (isFailure(error)) return error;
  const code = codeOf(error, phase);
  const unknown = connectionCodes.has(code) && (phase === 'commit' || phase === 'autocommit');
  return new Failure(unknown ? 'outcome-unknown' : code, { cause: error });
}

function codeOf(error: unknown, phase: Phase): FailureCode {
  if (error instanceof pg.DatabaseError && error.code) {
    const known = bySqlstate.get(error.code) ?? bySqlstate.get(error.code.slice(0, 2));
    return known ?? (phase === 'connect' ? 'postgres-unavailable' : 'internal-error');
  }
  return phase === 'connect' ? 'postgres-unavailable' : 'connection-lost';
}
