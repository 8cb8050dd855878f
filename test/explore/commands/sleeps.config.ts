import pg from 'pg';
import { race } from '../../../src/explore/explore.ts';

/** Sleeps at the server: no lock explains why it does not answer. */
async function sleep({ pgUrl }: { readonly pgUrl: string }): Promise<void> {
  const client = new pg.Client(pgUrl);
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select pg_sleep(30)');
  await client.end();
}

export default race({
  title: 'two sleepers',
  setup: 'create table nothing ()',
  audit: 'select 1 where false',
  actors: { ann: sleep, bob: sleep },
  stepMs: 100,
});
