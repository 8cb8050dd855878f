import { race } from '../../../src/explore/race.ts';
import config, { onKnex } from './race.config.ts';

/** One statement that decides at the index: insert … on conflict … do update. */
const save = (value: string) =>
  onKnex(db => db('setting').insert({ name: 'theme', value }).onConflict('name').merge());

export default race({
  ...config,
  title: 'onConflict().merge() of knex in two tabs',
  actors: { 'first tab': save('dark'), 'second tab': save('light') },
});

export const note = '`insert().onConflict().merge()` of knex 3.3.0, which decides at the index.';
