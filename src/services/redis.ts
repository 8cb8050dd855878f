import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { Redis } from 'ioredis';
import { errorMessage } from '../error-message.ts';
import { percentHint, storeUrl } from '../store-url.ts';
import { serverAccount } from './account.ts';
import { traversable } from './cache.ts';
import type { Account, Child, Keeper } from './keeper.ts';
import { isNewEnough, type RedisBinary, redisOldest } from './redis-probe.ts';
import { freePort, type Server, ServerUnusable } from './server.ts';

const reachMs = 5_000;
const endMs = 200;
const portsMax = 5;

interface Facts {
  readonly product: 'Redis' | 'Valkey';
  readonly version: string;
  readonly pid: number;
}

/** The fields of INFO: one `name:value` per line. */
function infoFields(info: string): Map<string, string> {
  const pairs = info.split(/\r?\n/).map(line => line.split(':'));
  return new Map(pairs.map(([name = '', value = '']) => [name, value]));
}

/** Queries product and version, within 5 s. */
async function factsOf(url: string): Promise<Facts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: reachMs,
    commandTimeout: reachMs,
    disconnectTimeout: endMs,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  let last: unknown;
  redis.on('error', error => {
    last = error; // the reason; `connect` itself only reports a closed connection
  });
  const timer = setTimeout(() => {
    last ??= new Error(`no answer within ${reachMs} ms`);
    redis.disconnect(); // rejects pending commands
  }, reachMs);
  try {
    await redis.connect();
    const fields = infoFields(await redis.info('server'));
    const product = fields.get('server_name') === 'valkey' ? 'Valkey' : 'Redis';
    const version = fields.get(product === 'Valkey' ? 'valkey_version' : 'redis_version') ?? '';
    if (!isNewEnough(product, version)) throw new ServerUnusable(`it is ${product} ${version}`);
    return { product, version, pid: Number(fields.get('process_id')) };
  } catch (error) {
    throw error instanceof ServerUnusable ? error : (last ?? error);
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

/**
 * Checks the Redis or Valkey given by the variable. Rejects with ServerUnusable within about 5 s if
 * it cannot be reached, rejects the password, or is older than 6.2.
 */
export async function checkedRedis(url: string, variable: string): Promise<Server> {
  const { host } = parsed(url, variable);
  const { product, version } = await factsOf(url).catch(error => {
    throw new ServerUnusable(
      `${variable} (${host}) cannot be used: ${errorMessage(error)}. Redis ${redisOldest.join('.')} or ` +
        `newer, or Valkey, is required; unset ${variable} to start one locally.`,
      error,
    );
  });
  return { kind: 'redis', product, url, version, origin: variable, settings: {} };
}

function parsed(text: string, variable: string): URL {
  const url = storeUrl(text, ['redis:', 'rediss:']);
  if (url) return url;
  throw new ServerUnusable(
    `${variable} must be a URL of the form redis://:password@host:port, ${percentHint}`,
  );
}

/** Passed on standard input, so that the password appears in no file and no argument. */
function configuration(port: number, password: string, folder: string): string {
  return `
bind 127.0.0.1
port ${port}
protected-mode yes
requirepass ${password}
save ""
appendonly no
daemonize no
dir "${folder}"
logfile ""
`;
}

/**
 * As root, runs the server as `nobody`, unless that account cannot execute it or does not exist.
 */
async function accountFor(binary: RedisBinary): Promise<Account | undefined> {
  const open = await traversable(dirname(await realpath(binary.command)));
  return open ? serverAccount().catch(() => undefined) : undefined;
}

/** The base for the server's folder; must be accessible to the account that runs the server. */
async function folderBase(account: Account | undefined): Promise<string> {
  return account && !(await traversable(tmpdir()).catch(() => false)) ? '/tmp' : tmpdir();
}

/** Starts a Redis on 127.0.0.1 without persistence. Rejects with StartFailed. */
export async function startRedis(
  keeper: Keeper,
  binary: RedisBinary,
  name: string,
  choosePort: () => Promise<number> = freePort,
  password = randomBytes(18).toString('hex'),
): Promise<Server> {
  const account = await accountFor(binary);
  const folder = await keeper.folder(await folderBase(account), account);
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort();
    const url = `redis://:${password}@127.0.0.1:${port}`;
    const spec = {
      name,
      role: 'server',
      command: binary.command,
      args: ['-'],
      env: { ...binary.env, LC_ALL: 'C', TZ: 'UTC' },
      cwd: folder,
      stdin: configuration(port, password, folder),
      ...(account ? { account } : {}),
    } as const;
    try {
      const { pid } = await ready(keeper, spec, url);
      const { product, version } = await factsOf(url);
      const origin = `${binary.origin}, started here`;
      return { kind: 'redis', product, url, version, origin, settings: {}, pid };
    } catch (error) {
      if (attempt < portsMax && /address already in use/i.test(errorMessage(error))) continue;
      throw error;
    }
  }
}

/** The random password and the process id tell our server from another that took the port first. */
function ready(keeper: Keeper, spec: Parameters<Keeper['start']>[0], url: string): Promise<Child> {
  const isOurs = (pid: number) =>
    factsOf(url).then(
      facts => facts.pid === pid,
      () => false,
    );
  return keeper.start(spec, { ready: isOurs });
}
