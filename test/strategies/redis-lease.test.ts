import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Strategy, Tx } from '../../src/contract/index.ts';
import { connectRedis, evictionWarning } from '../../src/store/redis.ts';
import { leaseGuardian } from '../../strategies/lib/lease-guardian.ts';
import { lockKey, redisLeases } from '../../strategies/lib/redis-leases.ts';
import redisLease from '../../strategies/redis-lease.ts';
import { openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';
import { type Actor, actor, actorOf, backendsOn, leaseTuning } from './redis-actor.ts';

const servers = await ownRedisServers(1);
const [server] = servers;
if (!server) throw new Error('one server was asked for');
const key = 'lease/1';
let open: Actor[] = [];

beforeEach(() => server.fresh());
afterEach(async () => {
  await Promise.all(open.map(one => one.close()));
  open = [];
});

const opened = async (strategy: Strategy, tuning = {}): Promise<Actor> => {
  const made = await actor(strategy, servers, tuning);
  open.push(made);
  return made;
};

describe('redis-lease', realTime, () => {
  test('refresh-after-release: an extension that is under way does not bring the key back', async () => {
    const { close, ...backends } = backendsOn(servers);
    const leases = redisLeases(backends);
    const extending = new Gate();
    const extend: typeof leases.extend = (owned, leaseMs) => {
      const answer = leases.extend(owned, leaseMs); // sent; its answer is not here yet
      void extending.pass();
      return answer;
    };
    const tuning = { ...leaseTuning, leaseMs: 600, extendLease: true };
    const a = actorOf(leaseGuardian({ ...leases, extend }, backends, tuning), backends, close);
    open.push(a);
    await a.turn(key, async () => {
      await server.freeze();
      await extending.arrived;
      setTimeout(() => void server.thaw(), 50);
    });
    expect(a.ends).toEqual(['released']);
    expect(await server.admin.get(lockKey(key))).toBeNull();
  });

  test('reentrant-accident: a turn inside its own turn is refused at its deadline', async () => {
    const a = await opened(redisLease, { extendLease: true });
    const inner = a.turn(key, () => a.turn(key, async () => 'in', 200));
    await expect(inner).rejects.toMatchObject({ code: 'turn-refused' });
    expect(a.ends).toEqual(['released']);
  });

  test('a server that forgets its scripts is told them again', async () => {
    const a = await opened(redisLease);
    await a.turn(key, async () => server.admin.script('FLUSH'));
    expect(a.ends).toEqual(['released']);
  });

  test('the token of an owner is its own at every grant', async () => {
    const a = await opened(redisLease);
    const token = () => a.turn(key, () => server.admin.get(lockKey(key)));
    const tokens = [await token(), await token(), await token()];
    expect(new Set(tokens).size).toBe(3);
    for (const one of tokens) expect(one).toMatch(/^[\w-]{22}$/);
  });

  test('lock-evicted: a policy that evicts is warned of at start', async () => {
    const redis = connectRedis({ url: server.url, leaseMs: 5_000 });
    await until('it is connected', () => redis.status === 'ready');
    try {
      expect(await evictionWarning(redis)).toBeUndefined();
      await server.admin.config('SET', 'maxmemory-policy', 'volatile-ttl');
      expect(await evictionWarning(redis)).toMatch(
        /volatile-ttl.*once a maxmemory is set.*noeviction/,
      );
      await server.admin.config('SET', 'maxmemory', '100mb');
      expect(await evictionWarning(redis)).toMatch(
        /volatile-ttl: Redis may evict locks that are held; /,
      );
    } finally {
      await server.admin.config('SET', 'maxmemory-policy', 'noeviction');
      await server.admin.config('SET', 'maxmemory', '0');
      redis.disconnect();
    }
  });
});

describe('redis-lease in the engine', realTime, async () => {
  const nothing = { strategies: new Map(), scenarios: new Map() };
  const urls = await scenarioDatabase(nothing, counterSchema);
  const engine = openEngine(
    { ...urls, redisUrl: server.url },
    { leaseMs: 400, extendLease: false, attemptsMax: 1 },
  );
  afterAll(() => engine.close());

  test('ttl-overrun: after the lease no statement is sent, and what was written is rolled back', async () => {
    const id = await makeCounter(engine.store.query);
    const work = async (tx: Tx): Promise<void> => {
      await tx.query({ text: 'insert into law_effects values ($1, gen_random_uuid())' }, [id]);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 450); // stalled past the lease
    };
    const served = await engine.engine.serve({
      scenario: { name: 'counter', registered: counterScenario(new Map([['overrun', work]])) },
      variant: 'plain',
      strategy: { name: 'redis-lease', declared: redisLease },
      commandId: randomUUID(),
      input: { params: { id, work: 'overrun' }, body: {} },
    });
    expect(served.outcome).toEqual({ kind: 'busy', detail: 'turn-lost', attempts: 1 });
    expect(await effectsOf(engine.store.query, id)).toBe(0);
    expect(engine.recording.releases).toEqual(['lost']);
  });
});
