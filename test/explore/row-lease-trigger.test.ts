/** The explorer puts rows back without triggers; what it does for the application fires them. */
import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const setup = `create table lease (name text primary key, until timestamptz);
  create table ended (name text);
  create function note() returns trigger language plpgsql as $$ begin
    insert into ended values (new.name); return new;
  end $$;
  insert into lease values ('payout', now() - interval '1 hour');
  create trigger note after update on lease for each row
    when (new.until <= now()) execute function note()`;

const leases = [
  {
    name: 'lease',
    held: `select name as lease, extract(epoch from until - now()) * 1000 as ms from lease
      where until > now()`,
    end: 'update lease set until = now() where name = $1',
  },
];

test('a lease that ends by an event fires the triggers of its table, and its end is put back', async () => {
  const holds = onePgClient(async query => {
    await query("update lease set until = now() + interval '1 minute'");
    await query('select name from ended');
  });
  const audit = 'select name from ended';
  const found = await explore(
    { ...subject(setup, audit, [holds]), leases },
    { servers: { pgUrl: testServers().postgresUrl, redisUrls: [] }, events: ['lease-expires'] },
  );
  const violating = found.parts.map(({ event, orders, violating }) => [event, orders, violating]);
  expect(violating).toEqual([
    ['none', 1, 0],
    ['lease-expires', 1, 1],
  ]);
});
