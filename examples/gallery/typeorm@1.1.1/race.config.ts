import { DataSource, EntitySchema, type Repository } from 'typeorm';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

interface Setting {
  readonly name: string;
  readonly value: string;
}
const settings = new EntitySchema<Setting>({
  name: 'setting',
  columns: { name: { type: 'text', primary: true }, value: { type: 'text' } },
});

/** Opens a pool of one, works with the repository, and ends it. */
export function onSettings(work: (all: Repository<Setting>) => Promise<unknown>): ActorFunction {
  return async ({ pgUrl }) => {
    const options = { url: pgUrl, entities: [settings], poolSize: 1, installExtensions: false };
    const source = await new DataSource({ type: 'postgres', ...options }).initialize();
    await work(source.getRepository(settings)).finally(() => source.destroy());
  };
}

const save = (value: string) => onSettings(all => all.save({ name: 'theme', value }));

const config: Race = race({
  title: 'save() of one row in two tabs',
  setup: 'create table setting (name text primary key, value text)',
  audit: 'select count(*)::int as settings from setting having count(*) <> 1',
  check: ends => ends.flatMap(end => (end?.kind === 'threw' ? [end.message] : [])),
  actors: { 'first tab': save('dark'), 'second tab': save('light') },
});
export default config;

export const note =
  'save() looks first and then inserts, as its manual says; both callers find nothing. No row is lost or doubled: one caller is told an error.';
