/** A lease taken and given back: by hand, through the strategy interface, and by other libraries. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Failure, type Guardian } from '../../src/contract/index.ts';
import type { Registry } from '../../src/engine/registry.ts';
import { openBackends } from '../../src/store/backends.ts';
import { type Contest, type Entry, perSecond } from './contest.ts';

const leaseMs = 10_000;
const tuning = { waitMs: 5_000, leaseMs, extendLease: true, attemptsMax: 10 } as const;

const compareAndDelete = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

/** SET NX PX and compare-and-delete: the floor under every lease. */
export function pairsByHand(url: string, inFlight: number): Entry & { close(): Promise<void> } {
  const redis = new Redis(url, { scripts: { give: { lua: compareAndDelete, numberOfKeys: 1 } } });
  redis.on('error', () => {}); // told by the command that meets it
  const pair = async (key: string): Promise<void> => {
    const token = randomUUID();
    const got = await redis.set(key, token, 'PX', leaseMs, 'NX');
    if (got !== 'OK') throw new Error(`${key} is taken`);
    await run(redis, 'give', key, token);
  };
  return {
    name: 'SET NX + Lua, by hand',
    perSecond: seconds => perSecond(inFlight, seconds, lane => pair(`floor/hand/${lane}`)),
    close: async () => redis.disconnect(),
  };
}

/** A script of `scripts` becomes a method that the types do not know. */
async function run(redis: Redis, name: string, ...values: readonly string[]): Promise<unknown> {
  const script: unknown = Reflect.get(redis, name);
  if (typeof script !== 'function') throw new Error(`there is no script '${name}'`);
  return script.call(redis, ...values);
}

/** The same on several nodes at once, and all have to answer. */
export function waitForAll(urls: readonly string[]): Entry & { close(): Promise<void> } {
  const nodes = urls.map(
    url => new Redis(url, { scripts: { give: { lua: compareAndDelete, numberOfKeys: 1 } } }),
  );
  for (const node of nodes) node.on('error', () => {}); // told by the command that meets it
  const pair = async (): Promise<void> => {
    const token = randomUUID();
    await Promise.all(nodes.map(node => node.set('floor/all', token, 'PX', leaseMs, 'NX')));
    await Promise.all(nodes.map(node => run(node, 'give', 'floor/all', token)));
  };
  return {
    name: 'waits for all three, by hand',
    perSecond: seconds => perSecond(1, seconds, pair),
    close: async () => {
      for (const node of nodes) node.disconnect();
    },
  };
}

export interface LeasePlaces {
  readonly registry: Registry;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisNodeUrls: readonly string[];
}

/** The outermost turn of a strategy, as the engine takes it. */
export async function throughTurn(
  { registry, databaseUrl, redisUrl, redisNodeUrls }: LeasePlaces,
  given: {
    readonly strategy: string;
    readonly inFlight: number;
    readonly hot?: boolean;
    readonly work?: () => Promise<void>;
  },
): Promise<(Entry & { close(): Promise<void> }) | undefined> {
  const turn = registry.strategies.get(given.strategy)?.declared.turns[0];
  if (!turn) return undefined;
  const { waitMs } = tuning;
  const urls = { databaseUrl, redisUrl, redisNodeUrls };
  const backends = openBackends({ ...urls, waitMs, leaseMs, lockConnectionsMax: 1 });
  const guardian: Guardian = await turn.open(backends, tuning);
  const take = (lane: number): Promise<void> =>
    guardian.turn(
      {
        commandId: randomUUID(),
        number: 1,
        deadlineMs: backends.now() + waitMs,
        report() {},
        failure: (code, cause) => new Failure(code, { cause }),
      },
      [given.hot ? `floor/${given.strategy}` : `floor/${given.strategy}/${lane}`],
      given.work ?? (async () => {}),
    );
  return {
    name: given.strategy,
    perSecond: seconds => perSecond(given.inFlight, seconds, take),
    async close() {
      await guardian.close();
      await backends.close();
    },
  };
}

type Open = Contest & { close(): Promise<void> };

const ours = ['redis-lease', 'redis-lease-queued'];

/** Nobody contends: what the library itself costs. `peers` are names of strategies from outside. */
export async function pairsContest(places: LeasePlaces, peers: readonly string[]): Promise<Open> {
  const inFlight = 32;
  const hand = pairsByHand(places.redisUrl, inFlight);
  const entries = [hand];
  for (const strategy of [...ours, ...peers]) {
    const entry = await throughTurn(places, { strategy, inFlight });
    if (entry) entries.push(entry);
  }
  return {
    title: 'Lease taken and given back, nobody contends, one node, 32 in flight',
    unit: 'pairs/s',
    baseline: hand.name,
    entries,
    targets: [{ of: 'redis-lease', against: hand.name, atLeast: 0.85 }],
    notes: [],
    close: () => closeAll(entries),
  };
}

/** The quorum beside waiting for everybody. */
export async function quorumContest(places: LeasePlaces): Promise<Open> {
  const all = waitForAll(places.redisNodeUrls);
  const entries = [all];
  for (const strategy of ['redlock', 'redlock-4']) {
    const entry = await throughTurn(places, { strategy, inFlight: 1 });
    if (entry) entries.push(entry);
  }
  return {
    title: 'Lease on three nodes, 1 in flight',
    unit: 'pairs/s',
    baseline: all.name,
    entries,
    targets: [{ of: 'redlock', against: all.name, atLeast: 1.4 }],
    notes: ['At 1 in flight the same loop is bimodal on two cores: read the interval.'],
    close: () => closeAll(entries),
  };
}

const holdMs = 1;

/** 16 callers, one key, held for about 1 ms: how many hand-offs per second. */
export async function handOffContest(places: LeasePlaces, peers: readonly string[]): Promise<Open> {
  const work = (): Promise<void> => new Promise(resolve => setTimeout(resolve, holdMs));
  const entries: (Entry & { close(): Promise<void> })[] = [];
  for (const strategy of [...ours, ...peers]) {
    const entry = await throughTurn(places, { strategy, inFlight: 16, hot: true, work });
    if (entry) entries.push(entry);
  }
  return {
    title: 'One hot key, 16 callers in one process, held for 1 ms',
    unit: 'hand-offs/s',
    baseline: peers.find(name => name === 'redlock-5-defaults') ?? 'redis-lease',
    entries,
    targets: [],
    notes: [
      'A releaser may take the lease again at once: a high figure of a polling lock is partly that, and its waiters starve meanwhile.',
    ],
    close: () => closeAll(entries),
  };
}

async function closeAll(entries: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const entry of entries) await entry.close();
}
