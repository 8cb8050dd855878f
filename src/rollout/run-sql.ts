import pg from 'pg';

/** Runs one statement and commits it. */
export type RunSql = <R extends object>(
  text: string,
  values: readonly unknown[],
) => Promise<readonly R[]>;

const triesMax = 8;
/** serialization_failure and deadlock_detected: nothing was done. */
const nothingDone = new Set(['40001', '40P01']);

/**
 * Runs a statement again that met another one, as two do above READ COMMITTED, which the database may
 * have as its default. Each statement is a transaction of its own.
 */
export function again(runSql: RunSql): RunSql {
  return async <R extends object>(text: string, values: readonly unknown[]) => {
    for (let tries = 1; ; tries += 1)
      try {
        return await runSql<R>(text, values);
      } catch (error) {
        if (tries >= triesMax || !nothingDone.has(sqlstateOf(error))) throw error;
      }
  };
}

/** Also where it is told as a failure of ours. */
function sqlstateOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.code ?? '';
  return error instanceof Error && error.cause !== undefined ? sqlstateOf(error.cause) : '';
}
