import { ConnectionAcquireTimeoutError, OptimisticLockError } from 'sequelize';
import { Failure, isFailure, type Phase } from '../contract/index.ts';
import { pgFailure } from './pg-errors.ts';

/**
 * Reads an error of Sequelize as a row of the failure table. 40001, 40P01 and 55P03 arrive as plain
 * `DatabaseError`s: only the driver's error behind `parent` tells them apart. What is neither its own
 * nor the driver's is ours, but while a COMMIT is under way nobody knows.
 */
export function sequelizeFailure(error: unknown, phase: Phase): Failure {
  if (isFailure(error)) return error;
  if (error instanceof OptimisticLockError) return new Failure('conflict', { cause: error });
  if (error instanceof ConnectionAcquireTimeoutError)
    return new Failure('pool-exhausted', { cause: error });
  const driver = driverErrorOf(error);
  if (driver) return new Failure(pgFailure(driver, phase).code, { cause: error });
  return new Failure(phase === 'commit' ? 'outcome-unknown' : 'internal-error', { cause: error });
}

function driverErrorOf(error: unknown): Error | undefined {
  const known = error instanceof Error && 'parent' in error;
  return known && error.parent instanceof Error ? error.parent : undefined;
}
