import { expect, test } from 'vitest';
import { sql } from '../../src/contract/index.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import { freshDatabase } from '../database.ts';

const { url } = await freshDatabase();

test('callers that find no free connection are told busy at their deadline', async () => {
  const store = new SequelizeStore({
    url,
    connectionsMax: 2,
    lockTimeoutMs: 10_000,
    connectTimeoutMs: 10_000,
  });
  let finish = (): void => {};
  const finished = new Promise<void>(resolve => {
    finish = resolve;
  });
  try {
    const begun = [1, 2].map(() => {
      let arrived = (): void => {};
      const arrives = new Promise<void>(resolve => {
        arrived = resolve;
      });
      const ends = store.transact(async query => {
        await query(sql`select 1`, []);
        arrived();
        await finished;
      });
      return { arrives, ends };
    });
    await Promise.all(begun.map(({ arrives }) => arrives));
    expect(store.load).toEqual({ busy: 2, waiting: 0 });
    const late = store.begin({
      isolation: 'read committed',
      guard: [],
      first: [],
      keys: [],
      autocommit: false,
      isLost: () => false,
      deadlineMs: performance.now() + 300,
    });
    await expect(late).rejects.toMatchObject({ code: 'pool-exhausted' });
    finish();
    await Promise.all(begun.map(({ ends }) => ends));
    expect(store.load).toEqual({ busy: 0, waiting: 0 });
  } finally {
    finish();
    await store.close();
  }
});
