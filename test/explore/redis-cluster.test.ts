import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { behindGates } from '../../src/explore/gate/redis-addresses.ts';
import { RespReplies } from '../../src/explore/wire/resp.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

/** Two masters have gates; a third node, 7003, has none. */
const gateOf = (_host: string, port: number): number | undefined => {
  return { 7001: 50_001, 7002: 50_002 }[port];
};

function through(command: string, text: string): string {
  const [reply] = new RespReplies().push(Buffer.from(text, 'latin1'));
  if (reply === undefined) throw new Error('no whole reply');
  return behindGates(command.split(' '), reply, gateOf).bytes.toString('latin1');
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const node = (port: number, id: string): string => {
  return `*4\r\n${bulk('10.0.0.5')}:${port}\r\n${bulk(id)}*2\r\n${bulk('hostname')}${bulk('db')}`;
};

describe('what a cluster announces', () => {
  test('leads to the gates; a replica without one is left out', () => {
    const slots = (...nodes: string[]): string => {
      return `*1\r\n*${2 + nodes.length}\r\n:0\r\n:99\r\n${nodes.join('')}`;
    };
    const told = through('CLUSTER SLOTS', slots(node(7001, 'a'), node(7003, 'c'), node(7002, 'b')));
    expect(told).toBe(
      slots(node(50_001, 'a'), node(50_002, 'b'))
        .replaceAll(bulk('10.0.0.5'), bulk('127.0.0.1'))
        .replaceAll(bulk('db'), bulk('127.0.0.1')),
    );
  });

  test.each<[string, (pairs: number) => string]>([
    ['RESP2', pairs => `*${2 * pairs}\r\n`],
    ['RESP3', pairs => `%${pairs}\r\n`],
  ])('shard by shard in %s', (_, map) => {
    const shards = (port: number, host: string): string => {
      const names = `${bulk('id')}${bulk('a')}${bulk('port')}:${port}\r\n${bulk('ip')}${bulk(host)}`;
      const one = `${map(4)}${names}${bulk('role')}${bulk('master')}`;
      return `*1\r\n${map(2)}${bulk('slots')}*2\r\n:0\r\n:99\r\n${bulk('nodes')}*1\r\n${one}`;
    };
    expect(through('cluster shards', shards(7002, '10.0.0.5'))).toBe(shards(50_002, '127.0.0.1'));
  });

  test('line by line', () => {
    const lines = [
      'aa 10.0.0.5:7001@17001,db myself,master - 0 0 1 connected 0-99',
      'bb 10.0.0.5:7003@17003 slave aa 0 0 1 connected',
      'cc :0@0 master,noaddr - 0 0 1 disconnected',
    ];
    expect(through('cluster nodes', bulk(lines.join('\n')))).toContain(
      'aa 127.0.0.1:50001@50001 myself,master - 0 0 1 connected 0-99\ncc :0@0',
    );
  });

  test('by a redirection, alone or in EXEC; what is only data stays', () => {
    const moved = '-MOVED 12 10.0.0.5:7002\r\n';
    expect(through('get k', moved)).toBe('-MOVED 12 127.0.0.1:50002\r\n');
    expect(through('exec', `*2\r\n:1\r\n-ASK 12 10.0.0.5:7001\r\n`)).toBe(
      '*2\r\n:1\r\n-ASK 12 127.0.0.1:50001\r\n',
    );
    const data = bulk('a\r\n-MOVED 12 10.0.0.5:7002\r\n\xff');
    expect(through('get k', data)).toBe(data);
  });

  test('is refused where a master has no gate', () => {
    expect(() => through('get k', '-MOVED 12 10.0.0.5:7003\r\n')).toThrow(/7003.*redisUrls/);
  });
});

describe('a client of a cluster', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cluster-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const [server] = await ownRedisServers(1, `cluster-enabled yes\ndir ${dir}`);
  if (server === undefined) throw new Error('one server was asked for');
  await server.admin.call('cluster', 'addslotsrange', '0', '16383');
  await until('the cluster is up', async () => {
    return String(await server.admin.call('cluster', 'info')).includes('cluster_state:ok');
  });

  test('stays behind the gates: its steps are ordered', async () => {
    const act: ActorFunction = async ({ redisUrl }) => {
      const { hostname, port, password } = new URL(redisUrl);
      const redisOptions = { password, maxRetriesPerRequest: 0 };
      const cluster = new Cluster([{ host: hostname, port: Number(port) }], { redisOptions });
      cluster.on('error', () => undefined);
      try {
        const n = Number((await cluster.get('n')) ?? 0);
        await cluster.set('n', n + 1);
        return n;
      } finally {
        cluster.disconnect();
      }
    };
    const found = await explore(
      subject('create table t (n int)', 'select 1 where false', [act, act]),
      {
        servers: { pgUrl: testServers().postgresUrl, redisUrls: [server.url] },
        phases: false,
      },
    );
    expect(found).toMatchObject({ exhausted: true, orders: 6 });
    expect([...found.ends.keys()]).toContain('A returned 0 · B returned 0');
  });
});
