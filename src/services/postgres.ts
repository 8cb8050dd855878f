import { randomBytes } from 'node:crypto';
import { access, appendFile, chown, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount } from './account.ts';
import { traversable } from './cache.ts';
import { type Account, type Child, type Keeper, StartFailed } from './keeper.ts';
import { type PostgresBinaries, postgresOldest } from './postgres-binaries.ts';
import { freePort, reasonOf, type Server, ServerUnusable } from './server.ts';

const reachMs = 5_000;
const initMs = 60_000;
const portsMax = 5;
/** statfs types of file systems in memory: an fsync there flushes nothing. */
const memoryFileSystems = new Set([0x01021994, 0x858458f6]);

interface Facts {
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Asks the server for its version and durability; all of it within 5 s. */
async function factsOf(url: string): Promise<Facts> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: reachMs,
    query_timeout: reachMs,
  });
  client.on('error', () => {}); // what a broken connection means is told by the query
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, string>>(`
      select current_setting('server_version') as version,
             current_setting('server_version_num') as number,
             version() as product,
             current_setting('fsync') as fsync,
             current_setting('full_page_writes') as full_page_writes,
             current_setting('synchronous_commit') as synchronous_commit`);
    const { version = '', number, product = '', ...settings } = rows[0] ?? {};
    if (!product.startsWith('PostgreSQL') || Number(number) < postgresOldest * 10_000) {
      throw new ServerUnusable(`it is ${product === '' ? 'no PostgreSQL' : product}`);
    }
    return { version: version.split(' ')[0] ?? version, settings };
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The Postgres that DATABASE_URL names. Rejects with ServerUnusable within about 5 s when it
 * cannot be reached or is older than 14.
 */
export async function checkedPostgres(url: string): Promise<Server> {
  const { host } = parsed(url);
  const facts = await factsOf(url).catch(error => {
    throw new ServerUnusable(
      `DATABASE_URL (${host}) cannot be used: ${reasonOf(error)}. PostgreSQL ${postgresOldest} or ` +
        'newer is needed there; without DATABASE_URL one is started here.',
      error,
    );
  });
  return { kind: 'postgres', product: 'PostgreSQL', url, origin: 'DATABASE_URL', ...facts };
}

function parsed(url: string): URL {
  try {
    const result = new URL(url);
    if (/^postgres(ql)?:$/.test(result.protocol)) return result;
  } catch {
    // told below, without the text, which may hold a password
  }
  throw new ServerUnusable('DATABASE_URL is no URL of the form postgres://user:password@host/name');
}

/** A folder for the data: for an account of its own, and on a disk where fsync must mean it. */
async function dataBase(durable: boolean, account: Account | undefined): Promise<string> {
  const usable: string[] = [];
  for (const base of new Set([tmpdir(), '/var/tmp', '/tmp'])) {
    const open = await traversable(base).catch(() => false);
    if (account && !open) continue;
    usable.push(base);
    const type = await statfs(base).then(
      ({ type }) => type,
      () => 0,
    );
    if (!durable || !memoryFileSystems.has(type)) return base;
  }
  return usable[0] ?? '/tmp';
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

/** What the server is run with, beyond its own defaults. */
function configuration(durable: boolean, statements: boolean): string {
  const durability = durable ? 'on' : 'off';
  return `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 300
shared_buffers = 256MB
fsync = ${durability}
full_page_writes = ${durability}
synchronous_commit = ${durability}
# An expected 40001 or 23505 is an answer to its client, not news: LOG, FATAL and PANIC are.
log_min_messages = log
${statements ? "shared_preload_libraries = 'pg_stat_statements'" : ''}
`;
}

const environment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/** Makes a cluster with a password of its own. initdb takes 0.6 s, so no cluster is kept. */
async function initialise(
  keeper: Keeper,
  binaries: PostgresBinaries,
  options: { readonly durable: boolean; readonly account: Account | undefined },
): Promise<{ readonly data: string; readonly password: string }> {
  const { durable, account } = options;
  const as = account ? { account } : {};
  const folder = await keeper.folder(await dataBase(durable, account), account);
  const data = join(folder, 'data');
  const password = randomBytes(18).toString('hex');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const args = ['-D', data, '-U', 'postgres', `--pwfile=${passwordFile}`, '-A', 'scram-sha-256'];
  const settings = ['-E', 'UTF8', '--locale=C', '--no-sync']; // the folder does not outlive us
  const spec = { command: join(binaries.bin, 'initdb'), args: [...args, ...settings] };
  const exit = await keeper.run({ name: 'initdb', env: environment, ...spec, ...as }, initMs);
  await keeper.remove(passwordFile);
  if (exit.code !== 0) throw new StartFailed('initdb', `ended with code ${exit.code}`, exit);
  const text = configuration(durable, await hasStatements(binaries.bin));
  await appendFile(join(data, 'postgresql.conf'), text);
  return { data, password };
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
  // The random password tells our server from another that was faster at the port.
  return keeper.start(spec, {
    ready: () =>
      factsOf(place.url).then(
        () => true,
        () => false,
      ),
  });
}

/** Starts a Postgres on 127.0.0.1 in a folder that goes with it. Rejects with StartFailed. */
export async function startPostgres(
  keeper: Keeper,
  binaries: PostgresBinaries,
  durable: boolean,
): Promise<Server> {
  const account = await serverAccount();
  const { data, password } = await initialise(keeper, binaries, { durable, account });
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    try {
      const { pid } = await startServer(keeper, binaries, { data, port, url }, account);
      const facts = await factsOf(url);
      const origin = `${binaries.origin}, started here`;
      return { kind: 'postgres', product: 'PostgreSQL', url, origin, pid, ...facts };
    } catch (error) {
      if (attempt < portsMax && /could not bind/.test(reasonOf(error))) continue;
      throw error;
    }
  }
}
