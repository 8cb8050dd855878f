import { Sequelize } from 'sequelize';
import { SequelizeStorage, Umzug } from 'umzug';
import { type Race, race } from '../../../src/explore/race.ts';

/** What a service does when it starts: every pending migration. */
export async function start({ pgUrl }: { readonly pgUrl: string }): Promise<void> {
  const sequelize = new Sequelize(pgUrl, { logging: false, pool: { max: 1 } });
  const bonus = () => sequelize.query('update account set cents = cents + 100');
  const umzug = new Umzug({
    migrations: [{ name: 'bonus', up: bonus }],
    storage: new SequelizeStorage({ sequelize }),
    logger: undefined,
  });
  await umzug.up().finally(() => sequelize.close());
}

const config: Race = race({
  title: 'two services start and migrate',
  setup: `
    create table "SequelizeMeta" (name varchar(255) primary key);
    create table account (id int primary key, cents int not null);
    insert into account values (1, 1000)`,
  audit: 'select cents from account where cents <> 1100',
  preemptions: 1,
  actors: { 'first service': start, 'second service': start },
});
export default config;

export const note =
  'umzug takes no lock of its own, and its manual says so: two processes that start at once both see the migration as pending. The table of its Sequelize storage exists already.';
