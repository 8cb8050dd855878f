import { race } from '../../../src/explore/race.ts';
import config, { onSettings } from './race.config.ts';

/** One statement that decides at the index: insert … on conflict … do update. */
const save = (value: string) => onSettings(all => all.upsert({ name: 'theme', value }, ['name']));

export default race({
  ...config,
  title: 'upsert() of one row in two tabs',
  actors: { 'first tab': save('dark'), 'second tab': save('light') },
});

export const note = '`upsert()`, which decides at the index.';
