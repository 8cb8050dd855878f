import { writeFile } from 'node:fs/promises';
import { exitCodes } from './exit-codes.ts';

/** A config that runs as it is: two callers at one table, judged by serial orders. */
export const template = `import pg from 'pg';
import { race } from 'lockstep/explore';

/** What one caller does. Put your own code in its place: a function, a program, or a request to a service. */
async function caller({ pgUrl }: { readonly pgUrl: string }): Promise<string> {
  const client = new pg.Client(pgUrl);
  client.on('error', () => undefined); // the query tells
  await client.connect();
  try {
    const look = 'select count(*)::int as taken from booking where slot_id = $1';
    const { rows } = await client.query(look, [1]);
    if (rows[0].taken > 0) return 'sold out';
    await client.query('insert into booking (slot_id) values ($1)', [1]);
    return 'booked';
  } finally {
    await client.end();
  }
}

export default race({
  title: 'two callers and the last seat',
  // SQL for an empty database; \`prepare\` is for what only a program can make.
  setup: 'create table booking (id serial primary key, slot_id int not null)',
  // Nobody has to say what is right: an order is wrong if no serial order leads to it.
  // With \`audit: 'select …'\` you say it yourself: SQL that returns the rows which should not exist.
  actors: { ann: caller, bob: caller },
  // A request to a service of yours, which finds its servers in DATABASE_URL, REDIS_URL and PORT:
  // actors: { ann: { service: { command: ['node', 'app.js'] }, request: { path: '/bookings', body: '{}' } }, … },
  // What does not matter: a table, a column, keys, a field of an answer.
  // ignore: ['session', 'users.last_seen', 'redis:rate:*', 'answer:requestId'],
});
`;

const usual = 'race.config.ts';

/** `explore init [file]`: writes a config to start from; never over one that is there. */
export async function initConfig(
  [file = usual, ...more]: readonly string[],
  write: (text: string) => void,
): Promise<number> {
  if (more.length > 0 || file.startsWith('-')) {
    write('explore init takes one file at most: lockstep explore init race.config.ts\n');
    return file === '--help' ? 0 : exitCodes.usage;
  }
  try {
    await writeFile(file, template, { flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const why = error instanceof Error ? error.message : String(error);
    write(exists ? `${file} is there already; name another file\n` : `${why}\n`);
    return exitCodes.usage;
  }
  write(`${file} is written. Put your callers in it, and run: npx lockstep explore ${file}\n`);
  return 0;
}
