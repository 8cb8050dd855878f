/** The servers of a run as a fault sees them: to be killed, stopped and started again. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { familyOf } from '../../src/explore/run/process-state.ts';
import { serverAccount } from '../../src/services/account.ts';
import { freePort, type Keeper, type Server, type Services } from '../../src/services/index.ts';
import { startRedis } from '../../src/services/redis.ts';
import { findRedis, usualRedisPlaces } from '../../src/services/redis-binaries.ts';
import { waitMs } from '../lab/wait.ts';
import type { StruckRedis, StruckServer } from './stage.ts';

const endedMaxMs = 5_000;
const lookMs = 5;

/** The tap in front of a server. */
export interface Way {
  /** New connections lead to this server. */
  lead(url: string): void;
}

/** A Redis that this run started. Comes back empty, at its address and with its password. */
export function struckRedis(
  { keeper }: Services,
  server: Server,
  name: string,
  { way, signal }: { readonly way: Way; readonly signal: AbortSignal },
): StruckRedis {
  let { url } = server;
  let pid = pidOf(server);
  let replica: Server | undefined;
  const { password } = new URL(url);
  const started = async (
    what: string,
    port: () => Promise<number>,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Server> => {
    const found = await findRedis(keeper, usualRedisPlaces(), () => {});
    const binary = { ...found, env: { ...found.env, ...environment } };
    return startRedis(keeper, binary, what, port, password);
  };
  const kill = async (): Promise<void> => {
    tell(pid, 'SIGKILL');
    await ended(pid, signal);
  };
  return {
    name,
    kill,
    signal: which => tell(pid, which),
    async restart(environment) {
      pid = pidOf(await started(name, async () => Number(new URL(url).port), environment));
    },
    say: (...words) => said(url, words),
    async standBy() {
      replica = await started(`replica of ${name}`, freePort);
      const { hostname, port } = new URL(url);
      await said(replica.url, ['config', 'set', 'masterauth', password]);
      await said(replica.url, ['replicaof', hostname, port]);
      await inSync(replica.url, signal);
      await said(replica.url, ['replicaof', 'no', 'one']);
    },
    async failOver() {
      if (!replica) throw new Error(`${name} has no replica`);
      await kill();
      url = replica.url;
      pid = pidOf(replica);
      replica = undefined;
      way.lead(url);
    },
  };
}

const syncMaxMs = 10_000;

async function inSync(url: string, signal: AbortSignal): Promise<void> {
  const lastMs = performance.now() + syncMaxMs;
  for (;;) {
    const info = String(await said(url, ['info', 'replication']));
    if (/master_link_status:up/.test(info) && /master_sync_in_progress:0/.test(info)) return;
    if (performance.now() > lastMs) throw new Error('the replica did not catch up');
    await waitMs(lookMs, signal);
  }
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

/** One command over a connection of its own. */
export async function said(url: string, [name = '', ...rest]: readonly string[]): Promise<unknown> {
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
  while (!hasEnded(pid)) {
    if (performance.now() > lastMs) throw new Error(`process ${pid} did not end`);
    await waitMs(lookMs, signal);
  }
}

/** Also one that has ended, and whose parent has not asked how. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}
