import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { serverAccount } from '../../src/services/account.ts';
import { type Keeper, openKeeper } from '../../src/services/index.ts';
import { findPostgres, usualPostgresPlaces } from '../../src/services/postgres-binaries.ts';
import { until } from '../fixtures/gate.ts';
import { describeWith } from './tools.ts';
import { TwoHosts } from './two-hosts.ts';

const rows = { 'our settings': 1, 'keepalives and tcp_user_timeout 4 s': 2, neither: 3 } as const;
const port = 5432;
const graceMs = 5_000;

describeWith('half-open-holder:', ['ip', 'root'], pathOf => {
  let hosts: TwoHosts | undefined;
  let keeper: Keeper | undefined;

  beforeAll(async () => {
    hosts = TwoHosts.open(pathOf('ip'));
    keeper = await openKeeper(why => console.error(why));
  });
  afterAll(async () => {
    await keeper?.close();
    hosts?.close();
  });

  test('a row lock whose holder is cut off without a word is freed in the time that our settings promise', async () => {
    if (!keeper || !hosts) throw new Error('the hosts are not there');
    const said: string[] = [];
    const observer = await startPostgres(keeper, hosts, line => said.push(line));
    try {
      await observer.query('create table held as select id from generate_series(1, 3) as id');
      const { idleInTransactionMs } = await startHolders(keeper, hosts);
      expect(await free(observer)).toEqual([]);
      hosts.cut();
      const freedMs = await untilFreed(observer, rows['our settings'], idleInTransactionMs);
      const seconds = (row: number) => `${((freedMs.get(row) ?? Number.NaN) / 1_000).toFixed(1)} s`;
      for (const [name, row] of Object.entries(rows))
        console.log(`${name}: ${freedMs.has(row) ? `free after ${seconds(row)}` : 'still held'}`);
      for (const line of said.filter(text => /terminating|could not/.test(text))) console.log(line);
      expect([...freedMs.keys()].sort()).toEqual([1, 2]); // without either, Postgres waits for hours
      const kept = await observer.query(
        "select 1 from pg_stat_activity where state ~ '^idle in tr'",
      );
      expect(kept.rowCount).toBe(1);
    } finally {
      await observer.end();
    }
  });
});

/** Rows that nobody has locked. */
async function free(observer: pg.Client): Promise<number[]> {
  const text = 'select id from held order by id for no key update skip locked';
  const { rows: found } = await observer.query<{ id: number }>(text);
  return found.map(({ id }) => id);
}

/** Waits until the row is free; returns when which rows became free. */
async function untilFreed(
  observer: pg.Client,
  row: number,
  promisedMs: number,
): Promise<ReadonlyMap<number, number>> {
  const startMs = performance.now();
  const freedMs = new Map<number, number>();
  const look = async (): Promise<boolean> => {
    for (const id of await free(observer))
      if (!freedMs.has(id)) freedMs.set(id, performance.now() - startMs);
    return freedMs.has(row);
  };
  await until(`row ${row} is free`, look, promisedMs + graceMs);
  return freedMs;
}

/** A Postgres on the server host; this process reaches it through a socket file. */
async function startPostgres(
  keeper: Keeper,
  hosts: TwoHosts,
  onLine: (line: string) => void,
): Promise<pg.Client> {
  const { bin } = await findPostgres(keeper, await usualPostgresPlaces());
  const account = await serverAccount();
  if (!account) throw new Error('only root makes hosts');
  const folder = await keeper.folder(undefined, account);
  const data = join(folder, 'data');
  const env = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'];
  const initdb = { name: 'initdb', command: join(bin, 'initdb'), args, env, account };
  expect((await keeper.run(initdb, 60_000)).code).toBe(0);
  const { server, client } = hosts.addresses;
  await appendFile(join(data, 'pg_hba.conf'), `host all all ${client}/32 trust\n`);
  const settings = [`listen_addresses=${server}`, `unix_socket_directories=${folder}`, 'fsync=off'];
  const [command = '', ...enter] = hosts.on('server');
  const as = ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const postgres = [join(bin, 'postgres'), '-D', data, '-p', String(port)];
  const where = { user: 'postgres', host: folder, port, database: 'postgres' };
  await keeper.start(
    {
      name: 'postgres',
      role: 'server',
      command,
      args: [...enter, ...as, ...postgres, ...settings.flatMap(setting => ['-c', setting])],
      env,
      stop: [{ signal: 'SIGQUIT', waitMs: 3_000 }],
    },
    { onLine, ready: () => connects(where) },
  );
  const observer = new pg.Client(where);
  await observer.connect();
  return observer;
}

async function connects(where: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(where);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

const holding = z.object({ idleInTransactionMs: z.number().min(1) });

async function startHolders(keeper: Keeper, hosts: TwoHosts): Promise<z.infer<typeof holding>> {
  const [command = '', ...enter] = hosts.on('client');
  const program = fileURLToPath(new URL('holders-process.ts', import.meta.url));
  const url = `postgres://postgres@${hosts.addresses.server}:${port}/postgres`;
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), program, url];
  let said = '';
  await keeper.start(
    {
      name: 'the holders',
      role: 'client',
      command,
      args: [...enter, ...node],
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
    },
    {
      onLine: line => {
        said ||= line;
      },
      ready: async () => said !== '',
    },
  );
  return holding.parse(JSON.parse(said));
}
