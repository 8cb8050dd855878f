import postgres from 'postgres';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { type Race, race } from '../../../src/explore/race.ts';

/** Books a seat in a transaction of the client: looks whether it is free, then takes it. */
export function books(
  insert: (sql: postgres.TransactionSql, seat: number) => PromiseLike<unknown>,
) {
  const actor: ActorFunction = async ({ pgUrl }) => {
    const sql = postgres(pgUrl, { max: 1 });
    await sql.begin(async inside => {
      const seat = 1;
      const taken = await inside`select id from booking where seat = ${seat}`;
      if (taken.length === 0) await insert(inside, seat);
    });
    await sql.end();
  };
  return actor;
}

const book = books((sql, seat) => sql`insert into booking (seat) values (${seat})`);
const config: Race = race({
  title: 'two bookings of one seat inside sql.begin',
  setup: 'create table booking (id serial primary key, seat int not null)',
  audit: 'select seat, count(*)::int as bookings from booking group by seat having count(*) > 1',
  actors: { 'first caller': book, 'second caller': book },
});
export default config;

export const note =
  'A client, here to show that its statements are carried as they are: it prepares with Flush and pipelines. What it runs looks and then acts under READ COMMITTED; that is no fault of the client.';
