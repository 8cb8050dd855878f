/** The servers of a run as a fault sees them: to be killed, stopped and started again. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { familyOf } from '../../src/explore/run/process-state.ts';
import { serverAccount } from '../../src/services/account.ts';
import type { Keeper, Server, Services } from '../../src/services/index.ts';
import { startRedis } from '../../src/services/redis.ts';
import { findRedis, usualRedisPlaces } from '../../src/services/redis-binaries.ts';
import { waitMs } from '../lab/wait.ts';
import type { StruckRedis, StruckServer } from './stage.ts';

const endedMaxMs = 5_000;
const lookMs = 5;

/** A Redis that this run started. Comes back empty, at its address and with its password. */
export function struckRedis(
  services: Services,
  server: Server,
  name: string,
  signal: AbortSignal,
): StruckRedis {
  const address = new URL(server.url);
  let pid = pidOf(server);
  return {
    name,
    signal: which => tell(pid, which),
    async kill() {
      tell(pid, 'SIGKILL');
      await ended(pid, signal);
    },
    async restart() {
      const { keeper } = services;
      const binary = await findRedis(keeper, usualRedisPlaces(), () => {});
      const port = async (): Promise<number> => Number(address.port);
      const started = await startRedis(keeper, binary, name, port, address.password);
      pid = pidOf(started);
    },
    say: (...words) => said(server.url, words),
  };
}

/** The Postgres that this run started, with its data. */
export function struckPostgres(services: Services, signal: AbortSignal): StruckServer {
  const { keeper, postgres } = services;
  let pid = pidOf(postgres);
  const [command = '', ...args] = commandOf(pid);
  return {
    name: 'postgres',
    signal(which) {
      for (const one of familyOf(pid)) tell(one, which); // its backends too
    },
    async kill() {
      tell(pid, 'SIGQUIT'); // immediate: backends end at once, recovery follows
      await ended(pid, signal);
    },
    async restart() {
      pid = await postgresAgain(keeper, command, args, signal);
    },
  };
}

async function postgresAgain(
  keeper: Keeper,
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const account = await serverAccount();
  const child = await keeper.start({
    name: 'postgres',
    role: 'server',
    command,
    args,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    stop: [
      { signal: 'SIGINT', waitMs: 3_000 },
      { signal: 'SIGQUIT', waitMs: 1_500 },
    ],
    ...(account ? { account } : {}),
  });
  signal.throwIfAborted();
  return child.pid;
}

const sayMs = 2_000;

async function said(url: string, [name = '', ...rest]: readonly string[]): Promise<unknown> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: sayMs,
    commandTimeout: sayMs,
    retryStrategy: () => null,
  });
  redis.on('error', () => {}); // `connect` and the command report it
  try {
    await redis.connect();
    return await redis.call(name, ...rest);
  } finally {
    redis.disconnect();
  }
}

function pidOf({ product, pid }: Server): number {
  if (pid === undefined) throw new Error(`${product} was not started by this run`);
  return pid;
}

/** As it was started: program and arguments. */
function commandOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** A process that has ended in the meantime is told nothing. */
export function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

async function ended(pid: number, signal: AbortSignal): Promise<void> {
  const lastMs = performance.now() + endedMaxMs;
  while (isThere(pid)) {
    if (performance.now() > lastMs) throw new Error(`process ${pid} did not end`);
    await waitMs(lookMs, signal);
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
