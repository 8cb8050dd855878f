import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { codeOfReply, failures, isFailure } from '../../src/contract/index.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import { until } from '../fixtures/gate.ts';
import { type OwnRedis, ownRedisServers } from '../fixtures/redis-server.ts';
import { allLeases, forEveryLease, key, type Rig } from './redis-lease-rig.ts';

/** Ways in which a Redis answers and grants nothing, with their ends. */
const refusing: Readonly<Record<string, readonly [by: Change, over: Change]>> = {
  'redis-read-only': [
    server => server.admin.replicaof('127.0.0.1', 1),
    server => server.admin.replicaof('NO', 'ONE'),
  ],
  'redis-out-of-memory': [
    server => server.admin.config('SET', 'maxmemory', '1'),
    server => server.admin.config('SET', 'maxmemory', '0'),
  ],
  'redis-refuses-writes': [failToSave, server => server.admin.config('SET', 'save', '')],
};

type Change = (server: OwnRedis) => Promise<unknown>;

/** The folder of the servers is not there: no file can be written. */
async function failToSave({ admin }: OwnRedis): Promise<void> {
  await admin.config('SET', 'save', '3600 1');
  await admin.bgsave();
  await until('the save has failed', async () =>
    (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
  );
}

const gone = mkdtempSync(join(tmpdir(), 'refusals-'));
const plain = await ownRedisServers(3, `dir ${gone}`);
rmSync(gone, { recursive: true });

/** The code that a turn is refused with. */
const endOf = (turn: Promise<unknown>): Promise<unknown> =>
  turn.then(
    () => 'granted',
    (error: unknown) => (isFailure(error) ? error.code : error),
  );

forEveryLease(plain, allLeases, ({ one, onAll, servers, first }: Rig) => {
  test.each(Object.entries(refusing))(
    'answers-and-refuses: %s is told as that, and is over with its cause',
    async (code, [by, over]) => {
      const a = await one();
      expect(await endOf(a.turn(key, async () => 'in'))).toBe('granted');
      await onAll(by);
      try {
        for (const wanted of [key, ['cases/2', 'cases/3']])
          expect(await endOf(a.turn(wanted, async () => 'in'))).toBe(code);
      } finally {
        await onAll(over);
      }
      expect(await endOf(a.turn(key, async () => 'in'))).toBe('granted');
      const { redis } = a.backends;
      await until('nothing is left', async () => (await redis.exists(lockKey(key))) === 0);
    },
  );

  test('lock-key-misused: a key that holds something else is told as that, never as busy', async () => {
    const a = await one();
    await onAll(server => server.admin.rpush(lockKey(key), 'not a lock'));
    const inTime = a.turn(key, async () => 'in'); // of 30 s
    expect(await endOf(inTime)).toBe('lock-key-misused');
    expect(await endOf(a.turn(key, async () => 'in', 40))).toBe('lock-key-misused');
    expect(await endOf(a.turn(['cases/0', key], async () => 'in'))).toBe('lock-key-misused');
    expect(await endOf(a.turn('cases/0', async () => 'in'))).toBe('granted');
    await onAll(server => server.admin.del(lockKey(key)));
    expect(await endOf(a.turn(key, async () => 'in'))).toBe('granted');
  });

  test('a foreign string looks like the lock of another', async () => {
    const a = await one();
    await onAll(server => server.admin.set(lockKey(key), 'not a lock'));
    expect(await endOf(a.turn(key, async () => 'in', 200))).toBe('turn-refused');
  });

  const several = servers.length > 1 ? test : undefined;
  several?.('one node of three that refuses, or holds something else, is outvoted', async () => {
    const a = await one();
    await first.admin.rpush(lockKey(key), 'not a lock');
    expect(await endOf(a.turn(key, async () => 'in'))).toBe('granted');
    await first.admin.config('SET', 'maxmemory', '1');
    try {
      for (const wanted of ['cases/5', 'cases/6'])
        expect(await endOf(a.turn(wanted, async () => 'in'))).toBe('granted');
    } finally {
      await first.admin.config('SET', 'maxmemory', '0');
    }
  });

  several?.('two that refuse differently are told as unavailable', async () => {
    const a = await one();
    const second = servers[1] ?? first;
    await first.admin.config('SET', 'maxmemory', '1');
    await second.admin.replicaof('127.0.0.1', 1);
    try {
      expect(await endOf(a.turn(key, async () => 'in'))).toBe('redis-unavailable');
    } finally {
      await first.admin.config('SET', 'maxmemory', '0');
      await second.admin.replicaof('NO', 'ONE');
    }
  });
});

describe('on a node of a cluster whose slots are elsewhere', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'refusals-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const cluster = 'cluster-enabled yes\ncluster-node-timeout 5000';
  const [owner] = await ownRedisServers(1, `${cluster}\ndir ${dir}\ncluster-config-file owner`);
  const [other] = await ownRedisServers(1, `${cluster}\ndir ${dir}\ncluster-config-file other`);
  if (!owner || !other) throw new Error('two servers were asked for');
  await owner.admin.call('cluster', 'addslotsrange', '0', '16383');
  await other.admin.call('cluster', 'meet', '127.0.0.1', String(owner.port));
  await until('it knows who has the slots', async () =>
    /cluster_state:ok[\s\S]*cluster_slots_ok:16384/.test(
      String(await other.admin.call('cluster', 'info')),
    ),
  );

  forEveryLease([other, other, other], allLeases, ({ one }: Rig) => {
    test('every turn is told that this is a cluster', async () => {
      const a = await one();
      expect(await endOf(a.turn(key, async () => 'in'))).toBe('redis-cluster-node');
      expect(await endOf(a.turn(['x', 'y'], async () => 'in'))).toBe('redis-cluster-node');
    });
  });
});

describe('error replies', () => {
  const reply = (message: string): Error =>
    Object.assign(new Error(message), { name: 'ReplyError' });
  const before7 =
    "ERR Error running script (call to f_0a): @user_script:2: @user_script: 2: -OOM command not allowed when used memory > 'maxmemory'.";

  test.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", 'redis-out-of-memory'],
    [before7, 'redis-out-of-memory'],
    ['NOREPLICAS Not enough good replicas to write.', 'redis-refuses-writes'],
    ['ASK 3 127.0.0.1:7002', 'redis-cluster-node'],
    ['LOADING Redis is loading the dataset in memory', undefined],
    ['ERR unknown command OOM', undefined],
  ])('%s', (message, code) => expect(codeOfReply(reply(message))).toBe(code));

  test('mean nothing where they are none', () => {
    expect(codeOfReply(new Error('OOM'))).toBeUndefined();
    expect(codeOfReply('READONLY')).toBeUndefined();
  });

  test('each end the command for now, definitely', () => {
    const refused = Object.values(failures).filter(({ refusedBy }) => refusedBy);
    expect(refused).toHaveLength(7);
    for (const row of refused)
      expect(row).toMatchObject({ outcome: 'failed', status: 503, definite: true, retry: false });
  });
});
