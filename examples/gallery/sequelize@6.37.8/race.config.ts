import { DataTypes, Sequelize } from 'sequelize';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

/** Somebody signs in for the first time, in two tabs. */
const signIn: ActorFunction = async ({ pgUrl }) => {
  const sequelize = new Sequelize(pgUrl, { logging: false });
  const User = sequelize.define(
    'user',
    { email: DataTypes.STRING },
    { tableName: 'users', timestamps: false },
  );
  const found = await User.findOrCreate({ where: { email: 'ann@example.com' } }).finally(() =>
    sequelize.close(),
  );
  return found[1] ? 'created' : 'found';
};

const config: Race = race({
  title: 'findOrCreate in two tabs, no unique index',
  setup: 'create table users (id serial primary key, email varchar(255))',
  audit: 'select email, count(*)::int as users from users group by email having count(*) > 1',
  check: ends => ends.flatMap(end => (end?.kind === 'threw' ? [end.message] : [])),
  actors: { 'first tab': signIn, 'second tab': signIn },
});
export default config;

export const note =
  'findOrCreate without a unique index on what is looked for; its manual asks for one.';
