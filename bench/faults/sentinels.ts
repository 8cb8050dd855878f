/** A Redis with a replica, watched by three sentinels that fail over when it is gone. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type Keeper, type Server } from '../../src/services/index.ts';
import { startRedis } from '../../src/services/redis.ts';
import { findRedis, usualRedisPlaces } from '../../src/services/redis-binaries.ts';
import { waitMs } from '../lab/wait.ts';
import { said, tell } from './servers.ts';

export interface WatchedRedis {
  /** `redis+sentinel://…` */
  readonly url: string;
  /** From now on the replica gets nothing. */
  cutReplication(): Promise<void>;
  /** Kills the primary without warning. */
  killPrimary(): void;
  /** Resolves when the sentinels call the replica the primary. */
  failedOver(): Promise<void>;
  /** Ends all of them. */
  end(): void;
}

const name = 'locks';
const replicator = 'replicator';
/** How long a primary is silent until a sentinel calls it down. */
const downAfterMs = 500;
const failoverMaxMs = 15_000;
const lookMs = 20;
const knownMaxMs = 20_000;
const sentinelCount = 3;

/** They end with the keeper. */
export async function watchedRedis(keeper: Keeper, signal: AbortSignal): Promise<WatchedRedis> {
  const binary = await findRedis(keeper, usualRedisPlaces(), () => {});
  const primary = await startRedis(keeper, binary, 'redis behind sentinels');
  const { password, port } = new URL(primary.url);
  const replica = await startRedis(keeper, binary, 'its replica', freePort, password);
  // a user of its own, which can be taken away from it
  await said(primary.url, aclOf(password));
  await said(replica.url, ['config', 'set', 'masteruser', replicator]);
  await said(replica.url, ['config', 'set', 'masterauth', password]);
  await said(replica.url, ['replicaof', '127.0.0.1', port]);
  await until(signal, 'the replica follows', async () =>
    /master_link_status:up/.test(String(await said(replica.url, ['info', 'replication']))),
  );
  const sentinels = await Promise.all(
    Array.from({ length: sentinelCount }, () => startSentinel(keeper, binary, { port, password })),
  );
  const hosts = sentinels.map(one => `127.0.0.1:${one.port}`);
  const asks = hosts.map(host => `redis://${host}`);
  await until(signal, 'the sentinels know each other and the replica', async () => {
    const told = await Promise.all(asks.map(url => said(url, ['sentinel', 'master', name])));
    return told.every(isComplete);
  });
  return {
    url: `redis+sentinel://:${password}@${hosts.join(',')}/${name}`,
    async cutReplication() {
      await said(primary.url, ['acl', 'deluser', replicator]); // ends its connections, too
    },
    killPrimary: () => tell(pidOf(primary), 'SIGKILL'),
    async failedOver() {
      const taken = new URL(replica.url).port;
      await until(
        signal,
        'the replica is the primary',
        async () => {
          const words = ['sentinel', 'get-master-addr-by-name', name];
          const told = await Promise.all(asks.map(url => said(url, words)));
          return told.every(one => Array.isArray(one) && String(one[1]) === taken);
        },
        failoverMaxMs,
      );
    },
    end() {
      for (const pid of [...sentinels.map(one => one.pid), pidOf(primary), pidOf(replica)])
        tell(pid, 'SIGKILL');
    },
  };
}

const aclOf = (password: string): string[] => [
  ...['acl', 'setuser', replicator, 'on', `>${password}`],
  ...['+psync', '+replconf', '+ping'],
];

/** A sentinel's answer: names and values by turns. */
function isComplete(told: unknown): boolean {
  const words = Array.isArray(told) ? told.map(String) : [];
  const value = (field: string): number => Number(words[words.indexOf(field) + 1]);
  return value('num-other-sentinels') === sentinelCount - 1 && value('num-slaves') === 1;
}

/** It writes what it learns into its configuration, so it needs a file of its own. */
async function startSentinel(
  keeper: Keeper,
  binary: Awaited<ReturnType<typeof findRedis>>,
  primary: { readonly port: string; readonly password: string },
): Promise<{ readonly port: number; readonly pid: number }> {
  const folder = await keeper.folder();
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  const text = `bind 127.0.0.1
port ${port}
dir ${folder}
sentinel monitor ${name} 127.0.0.1 ${primary.port} 2
sentinel auth-pass ${name} ${primary.password}
sentinel down-after-milliseconds ${name} ${downAfterMs}
sentinel failover-timeout ${name} 3000
`;
  await writeFile(file, text, { mode: 0o600 });
  const { command, env } = binary;
  const spec = {
    name: 'sentinel',
    command,
    args: [file, '--sentinel'],
    env,
    role: 'server',
  } as const;
  const url = `redis://127.0.0.1:${port}`;
  const ready = async (): Promise<boolean> =>
    said(url, ['ping']).then(
      () => true,
      () => false,
    );
  const { pid } = await keeper.start(spec, { ready });
  return { port, pid };
}

async function until(
  signal: AbortSignal,
  what: string,
  is: () => Promise<boolean>,
  maxMs = knownMaxMs,
): Promise<void> {
  const lastMs = performance.now() + maxMs;
  while (!(await is().catch(() => false))) {
    if (performance.now() > lastMs) throw new Error(`not within ${maxMs} ms: ${what}`);
    await waitMs(lookMs, signal);
  }
}

function pidOf({ pid, product }: Server): number {
  if (pid === undefined) throw new Error(`${product} was not started by this run`);
  return pid;
}
