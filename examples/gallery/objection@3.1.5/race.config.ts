import knex from 'knex';
import { Model } from 'objection';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

class Setting extends Model {
  static override tableName = 'setting';
  static override idColumn = 'name';
}

/** Opens a pool of one, works with it, and ends it. */
export function onKnex(work: (db: knex.Knex) => PromiseLike<unknown>): ActorFunction {
  return async ({ pgUrl }) => {
    const db = knex({ client: 'pg', connection: pgUrl, pool: { min: 0, max: 1 } });
    await Promise.resolve(work(db)).finally(() => db.destroy());
  };
}

/** Saves a setting that may not be there yet. */
const save = (value: string) =>
  onKnex(db =>
    Setting.query(db).upsertGraph({ name: 'theme', value } as object, { insertMissing: true }),
  );

const config: Race = race({
  title: 'upsertGraph of one row in two tabs',
  setup: 'create table setting (name text primary key, value text)',
  audit: 'select count(*)::int as settings from setting having count(*) <> 1',
  check: ends => ends.flatMap(end => (end?.kind === 'threw' ? [end.message] : [])),
  actors: { 'first tab': save('dark'), 'second tab': save('light') },
});
export default config;

export const note =
  'upsertGraph looks first and then inserts, as its manual says; both callers find nothing. No row is lost or doubled: one caller is told an error.';
