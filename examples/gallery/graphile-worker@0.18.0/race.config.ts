import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Logger, runOnce } from 'graphile-worker';
import { race } from '../../../src/explore/race.ts';

/** The schema as the package brings it: its own migrations, in their order. */
const folder = join(createRequire(import.meta.url).resolve('graphile-worker'), '../../sql');
const migrations = readdirSync(folder)
  .sort()
  .map((file, at) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return `${text.replaceAll(':GRAPHILE_WORKER_SCHEMA', 'graphile_worker')};
    insert into graphile_worker.migrations (id) values (${at + 1})`;
  });

/** A worker that does what is due and ends. */
async function work({ pgUrl }: { readonly pgUrl: string }): Promise<void> {
  await runOnce({
    connectionString: pgUrl,
    maxPoolSize: 1,
    noHandleSignals: true,
    noPreparedStatements: true,
    logger: new Logger(() => () => undefined),
    taskList: {
      pay: async (_payload, { query }) => {
        await query('insert into payment (cents) values (2500)');
      },
    },
  });
}

export default race({
  title: 'two workers and one job',
  setup: `
    create schema graphile_worker;
    create table graphile_worker.migrations (
      id int primary key, ts timestamptz default now() not null, breaking boolean not null default false);
    ${migrations.join(';\n')};
    create table payment (id serial primary key, cents int not null);
    select graphile_worker.add_job('pay')`,
  audit: 'select count(*)::int as payments from payment having count(*) <> 1',
  preemptions: 1,
  // the worker looks at named queues in the statement that tries its locks; this job is in none
  oneStep: ['_private_job_queues'],
  actors: { 'first worker': work, 'second worker': work },
});

export const note =
  'One job; the task uses the transaction that it is given. Its makers ask for Node 22.18; this ran on Node 20.';
