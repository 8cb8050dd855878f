/** The cost of faults: a Redis node that is down, a lease that has expired. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { freePort } from '../../src/services/index.ts';
import { closeAll, type OpenContest, type OpenEntry, perSecond } from './contest.ts';
import { type LeaseResources, leaseTuning, openTurn } from './leases.ts';

export interface FaultyResources extends LeaseResources {
  /** The process of the third node, which is stopped during a measurement. */
  readonly thirdNodePid: number;
}

/** The longest pair, with all three nodes and with one down or frozen: each command meets the fault. */
export async function nodeDownContest(resources: FaultyResources): Promise<OpenContest> {
  const [first = '', second = ''] = resources.redisNodeUrls;
  const nobody = `redis://127.0.0.1:${await freePort()}`;
  const frozen = 'one of three frozen';
  const entries: OpenEntry[] = [];
  for (const strategy of ['redlock', 'redlock-4']) {
    for (const [how, redisNodeUrls] of [
      ['three nodes', resources.redisNodeUrls],
      ['one of three down', [first, second, nobody]],
      [frozen, resources.redisNodeUrls],
    ] as const) {
      const turn = await openTurn({ ...resources, redisNodeUrls }, strategy);
      if (!turn) continue;
      const longest = async (seconds: number): Promise<number> => {
        let longestMs = 0;
        await perSecond(1, seconds, async () => {
          const startMs = performance.now();
          await turn.take(`floor/down/${strategy}`, async () => {});
          longestMs = Math.max(longestMs, performance.now() - startMs);
        });
        return longestMs;
      };
      entries.push({
        name: `${strategy}, ${how}`,
        measure: seconds =>
          how === frozen
            ? whileFrozen(resources.thirdNodePid, () => longest(seconds))
            : longest(seconds),
        close: () => turn.close(),
      });
    }
  }
  const target = (strategy: string) => ({ of: `${strategy}, one of three down`, atMost: 50 });
  return {
    title: 'Redlock while one of three nodes refuses connections or is frozen, 1 in flight',
    unit: 'ms, the longest pair',
    baseline: 'redlock, three nodes',
    entries,
    targets: ['redlock', 'redlock-4'].map(target),
    notes: [
      'The longest of thousands: a single value, which includes every pause of the machine. A frozen node accepts connections but does not answer: redlock 4 waits for all nodes, so each call lasts until the command timeout of 300 ms; after a second of silence the connection is dropped, and the node counts as down.',
    ],
    close: () => closeAll(entries),
  };
}

/** Stops the process during `work`, and always continues it afterwards. */
async function whileFrozen<T>(pid: number, work: () => Promise<T>): Promise<T> {
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

const shortLeaseMs = 100;

/** How many commands each node gets when an expired lease is released. */
export async function lateReleaseContest(resources: LeaseResources): Promise<OpenContest> {
  const tuning = { ...leaseTuning, leaseMs: shortLeaseMs, extendLease: false };
  const entries: OpenEntry[] = [];
  const strategies = ['redis-lease', 'redis-lease-queued', 'redlock', 'redlock-4'];
  for (const strategy of strategies) {
    const turn = await openTurn(resources, strategy, tuning);
    if (!turn) continue;
    const nodes = [turn.backends.redis, ...turn.backends.redisNodes].map(counted);
    entries.push({
      name: strategy,
      async measure() {
        const before = nodes.map(() => 0);
        const late = async (): Promise<void> => {
          await pause(2 * shortLeaseMs);
          for (const [at, node] of nodes.entries()) before[at] = node.commands;
        };
        await turn.take(`floor/late/${strategy}`, late).catch(() => {}); // reports the lost turn
        return Math.max(...nodes.map((node, at) => node.commands - (before[at] ?? 0)));
      },
      close: () => turn.close(),
    });
  }
  return {
    title: 'Given back after the lease has passed',
    unit: 'commands to a node',
    baseline: 'redis-lease',
    entries,
    targets: strategies.map(of => ({ of, atMost: 2 })),
    notes: [
      'The largest number that any node got before the turn ended; the nodes of Redlock are asked in parallel.',
    ],
    close: () => closeAll(entries),
  };
}

/** Counts the commands sent over a connection from now on. */
function counted(redis: Redis): { commands: number } {
  const count = { commands: 0 };
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...given) => {
    count.commands += 1;
    return send(...given);
  };
  return count;
}
