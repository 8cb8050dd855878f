/** Acquiring and releasing a lease: by hand, through the strategy interface, and by other libraries. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import {
  type Backends,
  Failure,
  type FailureCode,
  type Guardian,
  type Tuning,
} from '../../src/contract/index.ts';
import type { Registry } from '../../src/engine/registry.ts';
import { openBackends } from '../../src/store/backends.ts';
import { closeAll, type OpenContest, type OpenEntry, perSecond } from './contest.ts';
import { type RedisBenchmarkResources, redisBenchmark } from './redis-benchmark.ts';

const leaseMs = 10_000;
const commandMaxMs = 300;
const handGuarded = 'the same with deadline and watchdog';
export const leaseTuning: Tuning = {
  waitMs: 5_000,
  leaseMs,
  extendLease: true,
  attemptsMax: 10,
};

const compareAndDelete = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

/**
 * SET NX PX and compare-and-delete: the floor for every lease. `guarded`: commands have a deadline and a
 * timer watches the lease, without which a lease must not be relied on.
 */
export function pairsByHand(url: string, inFlight: number, guarded: boolean): OpenEntry {
  const redis = new Redis(url, {
    scripts: { give: { lua: compareAndDelete, numberOfKeys: 1 } },
    ...(guarded && { commandTimeout: commandMaxMs }),
  });
  redis.on('error', () => {}); // the next command reports it
  const pair = async (key: string): Promise<void> => {
    const token = randomUUID();
    const got = await redis.set(key, token, 'PX', leaseMs, 'NX');
    if (got !== 'OK') throw new Error(`${key} is already held`);
    const watchdog = guarded ? setTimeout(() => {}, leaseMs / 3) : undefined;
    await run(redis, 'give', key, token);
    clearTimeout(watchdog);
  };
  return {
    name: guarded ? handGuarded : 'SET NX + Lua, by hand',
    measure: seconds => perSecond(inFlight, seconds, lane => pair(`floor/${guarded}/${lane}`)),
    close: async () => redis.disconnect(),
  };
}

/** ioredis adds a method per script, which its types do not know. */
async function run(redis: Redis, name: string, ...values: readonly string[]): Promise<unknown> {
  const script: unknown = Reflect.get(redis, name);
  if (typeof script !== 'function') throw new Error(`no script '${name}'`);
  return script.call(redis, ...values);
}

/** The same on several nodes at once; continues as soon as `count` of them have answered. */
export function waitForNodes(urls: readonly string[], name: string, count: number): OpenEntry {
  const nodes = urls.map(
    url => new Redis(url, { scripts: { give: { lua: compareAndDelete, numberOfKeys: 1 } } }),
  );
  for (const node of nodes) node.on('error', () => {}); // the next command reports it
  const key = `floor/${count}`;
  const pair = async (): Promise<void> => {
    const token = randomUUID();
    await first(
      count,
      nodes.map(node => node.set(key, token, 'PX', leaseMs, 'NX')),
    );
    await first(
      count,
      nodes.map(node => run(node, 'give', key, token)),
    );
  };
  return {
    name,
    measure: seconds => perSecond(1, seconds, pair),
    close: async () => {
      for (const node of nodes) node.disconnect();
    },
  };
}

/** Resolves once `count` promises have; rejects with the first that does. */
function first(count: number, all: readonly Promise<unknown>[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    const one = (): void => {
      left -= 1;
      if (left === 0) resolve();
    };
    for (const promise of all) promise.then(one, reject);
  });
}

export interface LeaseResources {
  readonly registry: Registry;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisNodeUrls: readonly string[];
}

const report = (): void => {};
const failure = (code: FailureCode, cause?: unknown): Failure => new Failure(code, { cause });

export interface OpenTurn {
  readonly backends: Backends;
  /** Runs `work` in one turn on the key. */
  take(key: string, work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** The outermost turn of a strategy, used as by the engine, which checks for a lost turn before each statement. */
export async function openTurn(
  { registry, databaseUrl, redisUrl, redisNodeUrls }: LeaseResources,
  strategy: string,
  tuning: Tuning = leaseTuning,
): Promise<OpenTurn | undefined> {
  const turn = registry.strategies.get(strategy)?.declared.turns[0];
  if (!turn) return undefined;
  const { waitMs } = tuning;
  const urls = { databaseUrl, redisUrl, redisNodeUrls };
  const limits = { waitMs, leaseMs: tuning.leaseMs, lockConnectionsMax: 1 };
  const backends = openBackends({ ...urls, ...limits });
  const guardian: Guardian = await turn.open(backends, tuning);
  return {
    backends,
    take: (key, work) =>
      guardian.turn(
        {
          commandId: randomUUID(),
          number: 1,
          deadlineMs: backends.now() + waitMs,
          report,
          failure,
        },
        [key],
        held => {
          if (held.isLost ? held.isLost() : held.lost?.aborted) throw new Failure('turn-lost');
          return work();
        },
      ),
    async close() {
      await guardian.close();
      await backends.close();
    },
  };
}

export async function throughTurn(
  resources: LeaseResources,
  given: {
    readonly strategy: string;
    readonly inFlight: number;
    readonly hot?: boolean;
    readonly work?: () => Promise<void>;
  },
): Promise<OpenEntry | undefined> {
  const turn = await openTurn(resources, given.strategy);
  if (!turn) return undefined;
  const key = `floor/${given.strategy}`;
  const work = given.work ?? (async () => {});
  const take = (lane: number): Promise<void> => turn.take(given.hot ? key : `${key}/${lane}`, work);
  return {
    name: given.strategy,
    measure: seconds => perSecond(given.inFlight, seconds, take),
    close: () => turn.close(),
  };
}

const ours = ['redis-lease', 'redis-lease-queued'];

/** Without contention: the cost of the library itself. `peers` are names of strategies in peers/. */
export async function pairsContest(
  resources: LeaseResources & RedisBenchmarkResources,
  peers: readonly string[],
): Promise<OpenContest> {
  const inFlight = 32;
  const hand = pairsByHand(resources.redisUrl, inFlight, false);
  const entries = [hand, pairsByHand(resources.redisUrl, inFlight, true)];
  const floor = redisBenchmark(resources, inFlight);
  if (floor) entries.push(floor);
  for (const strategy of [...ours, ...peers]) {
    const entry = await throughTurn(resources, { strategy, inFlight });
    if (entry) entries.push(entry);
  }
  return {
    title: 'Lease taken and given back, nobody contends, one node, 32 in flight',
    unit: 'pairs/s',
    baseline: hand.name,
    entries,
    targets: [{ of: 'redis-lease', against: hand.name, atLeast: 0.85 }],
    notes: [
      floor
        ? 'redis-benchmark sends only SET NX: two of them count as a pair.'
        : 'redis-benchmark is not installed; its floor is missing.',
    ],
    close: () => closeAll(entries),
  };
}

/** Waiting for a quorum compared with waiting for all nodes. */
export async function quorumContest(resources: LeaseResources): Promise<OpenContest> {
  const all = waitForNodes(resources.redisNodeUrls, 'waits for all three, by hand', 3);
  const quorum = waitForNodes(resources.redisNodeUrls, 'waits for two of three, by hand', 2);
  const entries = [all, quorum];
  for (const strategy of ['redlock', 'redlock-4']) {
    const entry = await throughTurn(resources, { strategy, inFlight: 1 });
    if (entry) entries.push(entry);
  }
  return {
    title: 'Lease on three nodes, 1 in flight',
    unit: 'pairs/s',
    baseline: all.name,
    entries,
    targets: [{ of: 'redlock', against: all.name, atLeast: 1.4 }],
    notes: [
      'With 1 in flight the same loop is bimodal on two cores: read the interval. The entries by hand do not check whether votes were granted, in time or at all: two of three shows what a quorum can gain here.',
    ],
    close: () => closeAll(entries),
  };
}

const holdMs = 1;

/** Hand-offs per second with 16 callers on one key, held for about 1 ms. */
export async function handOffContest(
  resources: LeaseResources,
  peers: readonly string[],
): Promise<OpenContest> {
  const work = (): Promise<void> => new Promise(resolve => setTimeout(resolve, holdMs));
  const entries: OpenEntry[] = [];
  for (const strategy of [...ours, ...peers]) {
    const entry = await throughTurn(resources, { strategy, inFlight: 16, hot: true, work });
    if (entry) entries.push(entry);
  }
  return {
    title: 'One hot key, 16 callers in one process, held for 1 ms',
    unit: 'hand-offs/s',
    baseline: peers.find(name => name === 'redlock-5-defaults') ?? 'redis-lease',
    entries,
    targets: [],
    notes: [
      'The last holder may reacquire the lease at once: this explains part of a high figure of a polling lock, and its waiters starve meanwhile.',
    ],
    close: () => closeAll(entries),
  };
}
