import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { deploymentProblems } from '../../src/http/deployment.ts';
import redisLease from '../../strategies/redis-lease.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { endsWithin } from '../fixtures/real-time.ts';
import { type OwnRedis, ownRedisServers } from '../fixtures/redis-server.ts';
import { actor } from './redis-actor.ts';

/** Three nodes with a third of the slots each, and a replica of the first. */
const password = 'one-password-for-all';
const nodes: OwnRedis[] = [];
for (let index = 0; index < 4; index += 1) {
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-cluster-'));
  await chmod(dir, 0o777);
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const config = `cluster-enabled yes\ncluster-node-timeout 1000\nmasterauth ${password}\ndir ${dir}`;
  nodes.push(...(await ownRedisServers(1, config, password)));
}
const [first, second, third, replica] = nodes;
if (!first || !second || !third || !replica) throw new Error('four servers were asked for');

const info = async (node: OwnRedis): Promise<string> =>
  String(await node.admin.call('cluster', 'info'));
await first.admin.call('cluster', 'addslotsrange', '0', '5460');
await second.admin.call('cluster', 'addslotsrange', '5461', '10922');
await third.admin.call('cluster', 'addslotsrange', '10923', '16383');
for (const node of [second, third, replica])
  await first.admin.call('cluster', 'meet', '127.0.0.1', String(node.port));
for (const node of nodes)
  await until('the nodes know each other', async () =>
    (await info(node)).includes('cluster_known_nodes:4'),
  );
const firstId = String(await first.admin.call('cluster', 'myid'));
await until('the replica knows its primary', () =>
  replica.admin.call('cluster', 'replicate', firstId).then(
    () => true,
    () => false,
  ),
);
for (const node of nodes)
  await until('the cluster is up', async () => (await info(node)).includes('cluster_state:ok'));
await until('the replica follows', async () =>
  (await replica.admin.info('replication')).includes('master_link_status:up'),
);

const url = `redis+cluster://:${password}@127.0.0.1:${second.port},127.0.0.1:${third.port}`;

/** A resource key whose lock is on the first node. */
async function keyOn(node: OwnRedis): Promise<string> {
  for (let id = 1; ; id += 1) {
    const key = `gift_cards/${id}`;
    const slot = await node.admin.call('cluster', 'keyslot', `lockstep:lock:${key}`);
    if (Number(slot) <= 5_460) return key;
  }
}

describe('a Redis Cluster as the lock store', () => {
  test('gives one key to one caller at a time, wherever it is kept', async () => {
    const [a, b] = [await actor(redisLease, [{ url }]), await actor(redisLease, [{ url }])];
    for (let id = 1; id <= 20; id += 1) {
      const gate = new Gate();
      const held = a.turn(`gift_cards/${id}`, () => gate.pass());
      await gate.arrived;
      await expect(b.turn(`gift_cards/${id}`, async () => {}, 50)).rejects.toMatchObject({
        code: 'turn-refused',
      });
      gate.open();
      await held;
      expect(await b.turn(`gift_cards/${id}`, async () => 'in')).toBe('in');
    }
    expect(new Set([...a.ends, ...b.ends])).toEqual(new Set(['released']));
    await Promise.all([a.close(), b.close()]);
  });

  test('takes keys of several nodes one after another, and all of them or none', async () => {
    const one = await actor(redisLease, [{ url }]);
    const keys = Array.from({ length: 8 }, (_, id) => `gift_cards/${id + 1}`);
    const gate = new Gate();
    const last = one.turn(keys.at(-1) ?? '', () => gate.pass());
    await gate.arrived;
    await expect(one.turn(keys, async () => {}, 100)).rejects.toMatchObject({
      code: 'turn-refused',
    });
    gate.open();
    await last;
    expect(await one.turn(keys, async () => 'in')).toBe('in');
    await one.close();
  });

  test('serves the keys of a node that died when its replica has taken over, and the others at once', async () => {
    const one = await actor(redisLease, [{ url }]);
    const key = await keyOn(first);
    expect(await one.turn(key, async () => 'in')).toBe('in');
    const startMs = performance.now();
    await first.kill();
    expect(
      await endsWithin(2_000, () => one.turn(key, async () => 'in', 1_000).catch(() => {})),
    ).toBe(true);
    await until(
      'the replica serves',
      () => one.turn(key, async () => true, 500).catch(() => false),
      30_000,
    );
    console.log(
      `the keys are served again ${Math.round(performance.now() - startMs)} ms after the kill`,
    );
    await one.close();
  });

  test('is refused at the start to a strategy that needs one server', async () => {
    const registry = await loadRegistry();
    const problems = (STRATEGY: string): string[] =>
      deploymentProblems(
        readConfig({ DATABASE_URL: 'postgres://p/x', REDIS_URL: url, STRATEGY }),
        registry,
      );
    expect(problems('redis-lease')).toEqual([]);
    expect(problems('row-lock')).toEqual([]);
    for (const strategy of [
      'redis-lease-queued',
      'redis-lease-fenced',
      'both:row-lock+redis-lease-queued',
    ])
      expect(problems(strategy)).toEqual([
        expect.stringMatching(
          /^REDIS_URL is a Redis Cluster, but STRATEGY '.*' needs one server: .*; choose another/,
        ),
      ]);
  });
});
