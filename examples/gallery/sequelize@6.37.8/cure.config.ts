import { race } from '../../../src/explore/race.ts';
import config from './race.config.ts';

/** What its manual asks for: a unique index on what is looked for. */
export default race({
  ...config,
  title: 'findOrCreate in two tabs, with a unique index',
  setup: 'create table users (id serial primary key, email varchar(255) unique)',
});

export const note =
  'A unique index. The pool needs a second connection: with one, who comes second waits for what its own transaction holds, until the pool gives up.';
