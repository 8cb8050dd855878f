/** PgBouncer in transaction mode, in front of a Postgres. */
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount } from '../../src/services/account.ts';
import { type Account, type Child, freePort, type Keeper } from '../../src/services/index.ts';

export interface PgBouncer {
  /** The same database, user and password as the one that it stands in front of. */
  readonly url: string;
  /** Kills it without warning. */
  kill(): Promise<void>;
  /** Starts it again at its address. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly program: string;
  readonly databaseUrl: string;
  /** Server connections per database, shared by all clients. */
  readonly poolSize: number;
  /** Added to its configuration. */
  readonly settings?: string;
}

/** Starts it with a configuration of its own; it refuses to run as root. It ends with the keeper. */
export async function startPgBouncer(
  keeper: Keeper,
  options: PgBouncerOptions,
): Promise<PgBouncer> {
  const url = new URL(options.databaseUrl);
  const port = await freePort();
  const account = await serverAccount();
  const config = await writeConfig(keeper, url, port, options, account);
  url.port = String(port);
  const spec = {
    name: 'pgbouncer',
    role: 'server',
    command: options.program,
    args: [config],
    env: {},
    stop: [{ signal: 'SIGTERM', waitMs: 2_000 }], // at once; SIGINT would wait for clients
    ...(account && { account }),
  } as const;
  const started = (): Promise<Child> => keeper.start(spec, { ready: () => answers(url.href) });
  let child = await started();
  return {
    url: url.href,
    async kill() {
      await child.signal('SIGKILL');
      await child.exited;
    },
    async start() {
      child = await started();
    },
    async stop() {
      await child.stop();
    },
  };
}

async function writeConfig(
  keeper: Keeper,
  postgres: URL,
  port: number,
  { poolSize, settings = '' }: PgBouncerOptions,
  account: Account | undefined,
): Promise<string> {
  const folder = await keeper.folder(undefined, account);
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    if (account) await chown(file, account.uid, account.gid);
    return file;
  };
  const [user, password] = [postgres.username, postgres.password].map(decodeURIComponent);
  const users = await write('users', `"${user}" "${password}"\n`);
  return write(
    'pgbouncer.ini',
    `[databases]
* = host=${postgres.hostname} port=${postgres.port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
${settings}
`,
  );
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {}); // told by connect
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
