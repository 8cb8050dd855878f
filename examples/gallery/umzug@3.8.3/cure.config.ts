import pg from 'pg';
import { race } from '../../../src/explore/race.ts';
import config, { start } from './race.config.ts';

/** One service at a time: the session holds an advisory lock until it has migrated. */
async function startInTurn(urls: { readonly pgUrl: string }): Promise<void> {
  const turn = new pg.Client(urls.pgUrl);
  await turn.connect();
  await turn.query("select pg_advisory_lock(hashtext('migrate'))");
  await start(urls).finally(() => turn.end());
}

export default race({
  ...config,
  actors: { 'first service': startInTurn, 'second service': startInTurn },
});

export const note = 'An advisory lock of the session around `up()`.';
