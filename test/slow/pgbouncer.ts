/** PgBouncer in transaction mode in front of the test Postgres. */
import { type PgBouncerOptions, startPgBouncer as startBy } from '../../bench/lab/pgbouncer.ts';
import { openKeeper } from '../../src/services/index.ts';

export interface PgBouncer {
  /** The same database, user and password as the one that it stands in front of. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it with a keeper of its own. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const keeper = await openKeeper(why => console.error(why));
  try {
    const { url } = await startBy(keeper, options);
    return { url, close: () => keeper.close() };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}
