import { race } from '../../../src/explore/race.ts';
import config, { books } from './race.config.ts';

/** The last word is the database's: a unique index, and who comes second is told so. */
const book = books('insert into booking (slot) values (1) on conflict do nothing');

export default race({
  ...config,
  title: 'two bookings of one slot inside a lock, with a unique index below it',
  setup: 'create table booking (id serial primary key, slot int not null unique)',
  actors: { 'first caller': book, 'second caller': book },
});

export const note = 'A unique index below the lock has the last word.';
