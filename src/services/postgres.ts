import { randomBytes } from 'node:crypto';
import { access, appendFile, chown, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import { serverAccount } from './account.ts';
import { traversable } from './cache.ts';
import { type Account, type Child, type Keeper, StartFailed } from './keeper.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { factsOf } from './postgres-check.ts';
import { freePort, type Server } from './server.ts';

const initMs = 60_000;
const portsMax = 5;
/** statfs types of in-memory file systems, where fsync has no effect. */
const memoryFileSystems = new Set([0x01021994, 0x858458f6]);

interface DataBase {
  readonly base: string;
  readonly inMemory: boolean;
}

/** A folder for the data: accessible to the account, and on a disk if durability is required. */
async function dataBase(durable: boolean, account: Account | undefined): Promise<DataBase> {
  const usable: string[] = [];
  for (const base of new Set([tmpdir(), '/var/tmp', '/tmp'])) {
    const open = await traversable(base).catch(() => false);
    if (account && !open) continue;
    usable.push(base);
    const inMemory = await statfs(base).then(
      ({ type }) => memoryFileSystems.has(type),
      () => false,
    );
    if (!durable || !inMemory) return { base, inMemory };
  }
  return { base: usable[0] ?? '/tmp', inMemory: true };
}

async function hasStatements(bin: string): Promise<boolean> {
  const folders = ['lib/postgresql', 'lib', 'lib64', 'lib64/postgresql'];
  const files = folders.flatMap(folder =>
    ['so', 'dylib'].map(ending => join(bin, '..', folder, `pg_stat_statements.${ending}`)),
  );
  const found = await Promise.all(
    files.map(file =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** The server's configuration, beyond its defaults. */
function configuration(durable: boolean, statements: boolean): string {
  const durability = durable ? 'on' : 'off';
  return `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 300
# Off by default; needed by programs that use prepared transactions.
max_prepared_transactions = 64
shared_buffers = 256MB
fsync = ${durability}
full_page_writes = ${durability}
synchronous_commit = ${durability}
# An expected 40001 or 23505 is a result for the client and not worth logging.
log_min_messages = log
${statements ? "shared_preload_libraries = 'pg_stat_statements'" : ''}
`;
}

const environment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

interface Cluster {
  readonly data: string;
  readonly password: string;
  readonly inMemory: boolean;
}

/** Creates a cluster with its own password. initdb takes 0.6 s, so clusters are not cached. */
async function initialise(
  keeper: Keeper,
  binaries: PostgresBinaries,
  options: { readonly durable: boolean; readonly account: Account | undefined },
): Promise<Cluster> {
  const { durable, account } = options;
  const as = account ? { account } : {};
  const { base, inMemory } = await dataBase(durable, account);
  const folder = await keeper.folder(base, account);
  const data = join(folder, 'data');
  const password = randomBytes(18).toString('hex');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const args = ['-D', data, '-U', 'postgres', `--pwfile=${passwordFile}`, '-A', 'scram-sha-256'];
  const settings = ['-E', 'UTF8', '--locale=C', '--no-sync']; // the folder is temporary
  const spec = { command: join(binaries.bin, 'initdb'), args: [...args, ...settings] };
  const exit = await keeper.run({ name: 'initdb', env: environment, ...spec, ...as }, initMs);
  await keeper.remove(passwordFile);
  if (exit.code !== 0) throw new StartFailed('initdb', `exited with code ${exit.code}`, exit);
  const text = configuration(durable, await hasStatements(binaries.bin));
  await appendFile(join(data, 'postgresql.conf'), text);
  return { data, password, inMemory };
}

function startServer(
  keeper: Keeper,
  binaries: PostgresBinaries,
  place: { readonly data: string; readonly port: number; readonly url: string },
  account: Account | undefined,
): Promise<Child> {
  const spec = {
    name: 'postgres',
    role: 'server',
    command: join(binaries.bin, 'postgres'),
    args: ['-D', place.data, '-p', String(place.port)],
    env: environment,
    // Fast shutdown, then immediate shutdown.
    stop: [
      { signal: 'SIGINT', waitMs: 3_000 },
      { signal: 'SIGQUIT', waitMs: 1_500 },
    ],
    ...(account ? { account } : {}),
  } as const;
  // The random password tells our server from another that took the port first.
  return keeper.start(spec, {
    ready: () =>
      factsOf(place.url).then(
        () => true,
        () => false,
      ),
  });
}

/** Starts Postgres on 127.0.0.1 in a temporary folder. Rejects with StartFailed. */
export async function startPostgres(
  keeper: Keeper,
  binaries: PostgresBinaries,
  durable: boolean,
  choosePort: () => Promise<number> = freePort,
): Promise<Server> {
  const account = await serverAccount();
  const cluster = await initialise(keeper, binaries, { durable, account });
  const { data, password, inMemory } = cluster;
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort();
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    try {
      const { pid } = await startServer(keeper, binaries, { data, port, url }, account);
      const facts = await factsOf(url);
      const origin = `${binaries.origin}, started here${inMemory ? ', data in memory' : ''}`;
      return { kind: 'postgres', product: 'PostgreSQL', url, origin, pid, ...facts };
    } catch (error) {
      if (attempt < portsMax && /could not bind/.test(errorMessage(error))) continue;
      throw error;
    }
  }
}
