import { ConnectionAcquireTimeoutError, OptimisticLockError } from 'sequelize';
import { Failure, isFailure, type Phase } from '../contract/index.ts';
import { pgFailure } from './pg-errors.ts';

/**
 * Maps a Sequelize error to a row of the failure table. 40001, 40P01 and 55P03 arrive as plain
 * `DatabaseError`s: only the driver error in `parent` tells them apart. While it connects, Sequelize
 * also sends queries of its own and passes on their errors as they are. Any other error is an internal
 * one, except that during COMMIT the outcome is unknown.
 */
export function sequelizeFailure(error: unknown, phase: Phase): Failure {
  if (isFailure(error)) return error;
  if (error instanceof OptimisticLockError) return new Failure('conflict', { cause: error });
  if (error instanceof ConnectionAcquireTimeoutError)
    return new Failure('pool-exhausted', { cause: error });
  const driver = driverErrorOf(error);
  if (!driver && phase === 'connect') return pgFailure(error, phase);
  if (driver) return new Failure(pgFailure(driver, phase).code, { cause: error });
  return new Failure(phase === 'commit' ? 'outcome-unknown' : 'internal-error', { cause: error });
}

/** What node-postgres told, inside an error of Sequelize. */
export function driverErrorOf(error: unknown): Error | undefined {
  const known = error instanceof Error && 'parent' in error;
  return known && error.parent instanceof Error ? error.parent : undefined;
}
