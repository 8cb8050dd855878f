import type { Query } from '../contract/index.ts';
import type { Store } from './store.ts';

/** Several statements in one READ COMMITTED transaction, rolled back when `work` throws. */
export async function transactOn<T>(
  store: Store,
  deadlineMs: number,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  const transaction = await store.begin({
    isolation: 'read committed',
    guard: [],
    first: [],
    keys: [],
    autocommit: false,
    isLost: () => false,
    deadlineMs,
  });
  try {
    const result = await work(transaction.tx.query);
    await transaction.commit();
    return result;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}
