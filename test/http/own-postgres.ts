import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { serverAccount } from '../../src/services/account.ts';
import { type Child, type Keeper, openKeeper } from '../../src/services/index.ts';
import { startPostgres } from '../../src/services/postgres.ts';
import { findPostgres, usualPostgresPlaces } from '../../src/services/postgres-binaries.ts';
import { until } from '../fixtures/gate.ts';

/**
 * A durable Postgres of a test file's own, which may be killed, frozen, and started again on its
 * data.
 */
export interface OwnPostgres {
  readonly url: string;
  /** SIGKILL to the postmaster; its backends follow. */
  kill(): Promise<void>;
  /** On the same port and data. Resolves when it answers. */
  start(): Promise<void>;
  /** The same, as a standby that hears of no primary: it takes no changes until it is promoted. */
  startAsStandby(): Promise<void>;
}

const startMaxMs = 60_000;

/** Starts one for a test file, at its top level; it ends with the file. */
export async function ownPostgres(): Promise<OwnPostgres> {
  const keeper = await openKeeper(() => {}); // a killed child is what is wanted here
  afterAll(() => keeper.close());
  const binaries = await findPostgres(keeper, await usualPostgresPlaces());
  const { url, pid = 0 } = await startPostgres(keeper, binaries, true);
  const data = await dataFolderOf(url);
  const account = await serverAccount();
  const spec = {
    name: 'own postgres',
    role: 'server',
    command: join(binaries.bin, 'postgres'),
    args: ['-D', data, '-p', new URL(url).port],
    env: {},
    ...(account && { account }),
  } as const;
  let killNow = async (): Promise<void> => {
    process.kill(pid, 'SIGKILL');
    await until('Postgres is gone', async () => !(await answers(url)));
  };
  const standby = join(data, 'standby.signal');
  const start = async (): Promise<void> => {
    const child = await started(keeper, spec, url);
    killNow = async () => {
      await child.signal('SIGKILL');
      await child.exited;
    };
  };
  return {
    url,
    kill: () => killNow(),
    async start() {
      await rm(standby, { force: true });
      await start();
    },
    async startAsStandby() {
      await writeFile(standby, '');
      if (account) await chown(standby, account.uid, account.gid);
      await start();
    },
  };
}

/**
 * Backends of the killed one hold its shared memory for a moment, and nobody may start before they
 * are gone.
 */
async function started(
  keeper: Keeper,
  spec: Parameters<Keeper['start']>[0],
  url: string,
): Promise<Child> {
  let child: Child | undefined;
  await until(
    'Postgres is back',
    async () => {
      child = await keeper.start(spec, { ready: () => answers(url) }).catch(() => undefined);
      return child !== undefined;
    },
    startMaxMs,
  );
  if (!child) throw new Error('Postgres did not start');
  return child;
}

async function dataFolderOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory ?? '';
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
