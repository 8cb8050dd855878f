/**
 * A standby of a Postgres that runs on this machine, made as `pg_basebackup` makes one
 * (https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP), which the
 * embedded Postgres comes without. It streams over a way that can be cut.
 */
import { randomBytes } from 'node:crypto';
import { access, appendFile, chown, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { serverAccount } from '../../src/services/account.ts';
import { type Account, freePort, type Keeper } from '../../src/services/index.ts';
import { usualPostgresPlaces } from '../../src/services/postgres-binaries.ts';
import { waitMs } from '../lab/wait.ts';
import type { Need } from './fault.ts';
import { Tap } from './wire/tap.ts';

export interface Standby {
  /** Its address, with the account and the database of the primary's. */
  readonly url: string;
  readonly pid: number;
  /** From now on the primary answers no COMMIT before the standby has applied it. */
  inStep(): Promise<void>;
  /** Resolves when it has applied what the primary has. */
  caughtUp(): Promise<void>;
  /** Cuts the way from the primary: from now on nothing arrives. */
  cut(): void;
  /** Takes over: resolves when it takes writes. */
  promote(): Promise<void>;
  close(): Promise<void>;
}

export interface StandbyOptions {
  readonly keeper: Keeper;
  /** Of the primary, as a superuser. */
  readonly primaryUrl: string;
  readonly signal: AbortSignal;
}

const name = 'standby';
const copyMaxMs = 30_000;
const followMaxMs = 20_000;
const promoteSeconds = 10;
const lookMs = 10;
const environment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };
/** What belongs to the running primary, and no copy must have. */
const ownFiles = ['postmaster.pid', 'postmaster.opts'];
const ownFolders = ['pg_wal', 'pg_replslot', 'pg_stat_tmp', 'pg_dynshmem', 'pg_notify'];

/** It ends with the keeper. */
export async function openStandby(options: StandbyOptions): Promise<Standby> {
  const { keeper, primaryUrl, signal } = options;
  const report = (): void => {};
  const passage: Parameters<typeof Tap.open>[0]['passage'] = ({ client, server }) => ({
    fromClient: chunk => void server.write(chunk),
    fromServer: chunk => void client.write(chunk),
    serverEnded: () => {},
  });
  const way = await Tap.open({ name: 'replication', url: primaryUrl, passage, report });
  const primary = await connected(primaryUrl);
  try {
    const account = await serverAccount();
    const { data, program } = await copyOf(primary, keeper, account);
    await configure(data, way.url, account);
    const url = new URL(primaryUrl);
    url.port = String(await freePort());
    const pid = await started(keeper, { program, data, port: url.port, account }, signal);
    const standby = await connectedSoon(url.href, signal);
    const follows = () =>
      isTrue(primary, `select exists (select from pg_stat_replication where state = 'streaming')`);
    await until(signal, 'the standby follows', follows);
    return standbyOf({ url: url.href, pid, primary, standby, way, signal });
  } catch (error) {
    await primary.end().catch(() => {});
    await way.close();
    throw error;
  }
}

interface Parts {
  readonly url: string;
  readonly pid: number;
  readonly primary: pg.Client;
  readonly standby: pg.Client;
  readonly way: Tap;
  readonly signal: AbortSignal;
}

function standbyOf({ url, pid, primary, standby, way, signal }: Parts): Standby {
  return {
    url,
    pid,
    async inStep() {
      await primary.query(`alter system set synchronous_standby_names = '${name}'`);
      await primary.query(`alter system set synchronous_commit = 'remote_apply'`);
      await primary.query('select pg_reload_conf()');
      const waited = `select exists (select from pg_stat_replication where sync_state = 'sync')`;
      await until(signal, 'COMMIT waits for the standby', () => isTrue(primary, waited));
    },
    async caughtUp() {
      const { rows } = await primary.query<{ at: string }>(
        'select pg_current_wal_insert_lsn()::text as at',
      );
      const at = rows[0]?.at ?? '0/0';
      const applied = `select pg_last_wal_replay_lsn() >= '${at}'::pg_lsn`;
      await until(signal, 'the standby has applied it', () => isTrue(standby, applied));
    },
    cut: () => way.goSilent(),
    async promote() {
      const { rows } = await standby.query<{ done: boolean }>(
        `select pg_promote(true, ${promoteSeconds}) as done`,
      );
      if (rows[0]?.done !== true) throw new Error('the standby was not promoted in time');
    },
    async close() {
      await Promise.all([primary, standby].map(client => client.end().catch(() => {})));
      await way.close();
    },
  };
}

/** A copy of the primary's data while it goes on, and the program that runs it. */
async function copyOf(primary: pg.Client, keeper: Keeper, account: Account | undefined) {
  const { rows } = await primary.query<{ data_directory: string }>('show data_directory');
  const from = rows[0]?.data_directory ?? '';
  const [pid = ''] = (await readFile(join(from, 'postmaster.pid'), 'utf8')).split('\n');
  const [program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  const folder = await keeper.folder(dirname(dirname(from)), account);
  const data = join(folder, 'data');
  // what a standby has not applied yet must still be there when it asks
  await primary.query(`alter system set wal_keep_size = '256MB'`);
  await primary.query('select pg_reload_conf()');
  await primary.query(`select pg_backup_start('${name}', true)`);
  const spec = { name: 'cp', command: '/bin/cp', args: ['-a', from, data], env: environment };
  const exit = await keeper.run({ ...spec, ...(account && { account }) }, copyMaxMs);
  // a file that went away while it was copied is made again from the log
  if (exit.code !== 0 && !/No such file/.test(exit.tail))
    throw new Error(`the data could not be copied: ${exit.tail}`);
  const { rows: stopped } = await primary.query<{ labelfile: string }>(
    'select labelfile from pg_backup_stop(false)',
  );
  for (const file of ownFiles) await rm(join(data, file), { force: true });
  for (const one of ownFolders)
    for (const file of await readdir(join(data, one)).catch(() => []))
      await rm(join(data, one, file), { recursive: true, force: true });
  await owned(join(data, 'backup_label'), stopped[0]?.labelfile ?? '', account);
  return { data, program };
}

async function owned(path: string, text: string, account: Account | undefined): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  if (account) await chown(path, account.uid, account.gid);
}

async function configure(
  data: string,
  primaryUrl: string,
  account: Account | undefined,
): Promise<void> {
  const { hostname, port, username, password } = new URL(primaryUrl);
  const at = `host=${hostname} port=${port} user=${decodeURIComponent(username)}`;
  const info = `${at} password=${decodeURIComponent(password)} application_name=${name}`;
  const own = `synchronous_standby_names = ''\nsynchronous_commit = 'on'\n`;
  await appendFile(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = '${info}'\nhot_standby = on\n${own}`,
  );
  await owned(join(data, 'standby.signal'), '', account);
}

interface Start {
  readonly program: string;
  readonly data: string;
  readonly port: string;
  readonly account: Account | undefined;
}

async function started(
  keeper: Keeper,
  { program, data, port, account }: Start,
  signal: AbortSignal,
): Promise<number> {
  const child = await keeper.start({
    name: `postgres, ${name} ${randomBytes(2).toString('hex')}`,
    role: 'server',
    command: program,
    args: ['-D', data, '-p', port],
    env: environment,
    stop: [
      { signal: 'SIGINT', waitMs: 3_000 },
      { signal: 'SIGQUIT', waitMs: 1_500 },
    ],
    ...(account && { account }),
  });
  signal.throwIfAborted();
  return child.pid;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'lockstep faults',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  return client;
}

async function connectedSoon(url: string, signal: AbortSignal): Promise<pg.Client> {
  let client: pg.Client | undefined;
  await until(signal, 'the standby takes connections', async () => {
    client = await connected(url);
    return true;
  });
  if (!client) throw new Error('the standby takes no connections');
  return client;
}

async function isTrue(client: pg.Client, text: string): Promise<boolean> {
  const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
  return rows[0]?.[0] === true;
}

async function until(signal: AbortSignal, what: string, is: () => Promise<boolean>): Promise<void> {
  const lastMs = performance.now() + followMaxMs;
  let reason = '';
  for (;;) {
    const done = await is().catch((error: Error) => {
      reason = `: ${error.message}`;
      return false;
    });
    if (done) return;
    if (performance.now() > lastMs)
      throw new Error(`not within ${followMaxMs} ms: ${what}${reason}`);
    await waitMs(lookMs, signal);
  }
}

/** Where a Postgres keeps the part that streams, from its folder of programs. */
const receivers = ['lib/postgresql', 'lib', 'lib64', 'lib64/postgresql'].map(
  folder => `../${folder}/libpqwalreceiver.so`,
);

/** Streaming replication: a Postgres may be built, or packed, without it. */
export const streaming: Need = {
  what: 'a PostgreSQL with streaming replication (libpqwalreceiver)',
  install: 'apt-get install postgresql, or npm ci with optional packages',
  async found() {
    const { packageFolder, folders } = await usualPostgresPlaces();
    const bins = packageFolder ? [join(packageFolder, 'native', 'bin')] : folders;
    for (const bin of bins)
      for (const receiver of receivers) if (await isThere(join(bin, receiver))) return true;
    return false;
  },
};

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
