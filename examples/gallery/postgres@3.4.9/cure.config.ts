import { race } from '../../../src/explore/race.ts';
import config, { books } from './race.config.ts';

/** The last word is the database's: a unique index, and who comes second is told so. */
const book = books(
  (sql, seat) => sql`insert into booking (seat) values (${seat}) on conflict do nothing`,
);

export default race({
  ...config,
  title: 'two bookings of one seat inside sql.begin, with a unique index',
  setup: 'create table booking (id serial primary key, seat int not null unique)',
  actors: { 'first caller': book, 'second caller': book },
});

export const note = 'A unique index, and `on conflict do nothing`.';
