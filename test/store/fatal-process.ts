/**
 * A process that asks a store for one thing, then twice for two at once, and tells how they ended: one
 * whose connection is broken by surprise must survive it. The store's name and its URL are arguments.
 */
import { isFailure, type Query, sql } from '../../src/contract/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createPool, PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';

const [, , name = '', url = ''] = process.argv;
const options = { url, connectionsMax: 2, lockTimeoutMs: 10_000, connectTimeoutMs: 10_000 };

/** Long enough for two at once to need a connection each. */
const one = (query: Query) => query(sql`select pg_sleep(0.3)`, []);

const stores: Readonly<Record<string, () => () => Promise<unknown>>> = {
  postgres: () => {
    const store = new PostgresStore(options);
    return () => store.transact(one);
  },
  sequelize: () => {
    const store = new SequelizeStore(options);
    return () => store.transact(one);
  },
  'sequelize statement': () => {
    const store = new SequelizeStore(options);
    return () => one(store.query);
  },
  'session locks': () => {
    const pool = createPool(options);
    return async () => {
      const client = await pool.connect();
      try {
        await client.query('select pg_sleep(0.3)');
        client.release();
      } catch (error) {
        client.release(true);
        throw error;
      }
    };
  },
  migrations: () => () => migrate(url, []),
};

const ask = stores[name]?.();
if (!ask) throw new Error(`there is no ${name}`);
const endOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (error: unknown) => (isFailure(error) ? error.code : 'failed'),
  );
const rounds: string[] = [];
for (const count of [1, 2, 2]) {
  const ends = await Promise.all(Array.from({ length: count }, () => endOf(ask())));
  rounds.push(ends.join(' '));
}
process.stdout.write(`${rounds.join('\n')}\n`, () => process.exit(0));
