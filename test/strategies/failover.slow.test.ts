import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import redisLease from '../../strategies/redis-lease.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { type OwnRedis, ownRedisServers } from '../fixtures/redis-server.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { type Actor, actor } from './redis-actor.ts';

/** What replication does not do for a lock. A frozen replica does not show it: the line has to be cut. */
const [primary, replica] = await ownRedisServers(2);
const key = 'failover/1';
let line: TcpProxy;
let open: Actor[] = [];

async function role(server: OwnRedis | undefined, name: string): Promise<string | undefined> {
  const info = await server?.admin.info('replication');
  return info?.split('\r\n').find(row => row.startsWith(`${name}:`));
}

const opened = async (server: OwnRedis | undefined): Promise<Actor> => {
  if (!server) throw new Error('two servers were asked for');
  const made = await actor(redisLease, [server]);
  open.push(made);
  return made;
};

beforeEach(async () => {
  if (!primary || !replica) throw new Error('two servers were asked for');
  await Promise.all([primary.fresh(), replica.fresh()]);
  line = await TcpProxy.open(primary.url);
  const { port, password } = new URL(line.url);
  await replica.admin.config('SET', 'masterauth', decodeURIComponent(password));
  await replica.admin.replicaof('127.0.0.1', Number(port));
  await until('the replica follows', async () => {
    return (await role(replica, 'master_link_status')) === 'master_link_status:up';
  });
});
afterEach(async () => {
  await Promise.all(open.map(one => one.close()));
  open = [];
});

describe(
  'failover-lost-lock: the primary dies before its replica has heard of the lock',
  realTime,
  () => {
    test('the promoted replica grants it again, while the first still works', async () => {
      const [a, gate] = [await opened(primary), new Gate()];
      await line.close(); // the network between the two
      const first = a.turn(key, () => gate.pass());
      await gate.arrived;
      await primary?.kill();
      await replica?.admin.replicaof('NO', 'ONE');
      const b = await opened(replica);
      expect(await b.turn(key, async () => 'in, beside the first')).toBe('in, beside the first');
      gate.open();
      await first; // what it did stays done: only a store that refuses could have stopped it
      expect(a.ends).toEqual(['unknown']);
    });

    test('where the replica has heard of it, the lock is still held there', async () => {
      const [a, gate] = [await opened(primary), new Gate()];
      const first = a.turn(key, () => gate.pass());
      await gate.arrived;
      await until('the lock was replicated', async () => (await replica?.admin.dbsize()) === 1);
      await primary?.kill();
      await replica?.admin.replicaof('NO', 'ONE');
      const b = await opened(replica);
      await expect(b.turn(key, async () => 'in', 100)).rejects.toMatchObject({
        code: 'turn-refused',
      });
      gate.open();
      await first;
      await line.close();
    });
  },
);
