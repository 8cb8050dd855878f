import { connect, createServer, type Server } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActorFunction } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { locks, onRedis, pair, verdictOn } from './callers.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const verdict = verdictOn(servers);

describe('requests that nobody orders are no verdict:', { timeout: 60_000 }, () => {
  let server: Server;
  let port = 0;
  const shared: { client?: pg.Client } = {};
  beforeAll(async () => {
    server = createServer(socket => socket.end('ok'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    server.close();
    await shared.client?.end();
  });
  const calls = (): Promise<void> =>
    new Promise(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.on('close', () => resolve()).on('data', () => undefined);
      socket.write('x');
    });
  const lock = locks(1);

  test('a socket to a server that is no gate', async () => {
    const found = await verdict(pair(() => calls()));
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain(`ann and bob connected to 127.0.0.1:${port} past the gates`);
    expect(found.advice).toContain(`allowHosts: ['127.0.0.1:${port}']`);
  });

  test('beside requests that are ordered, too, unless the config allows it', async () => {
    const both: ActorFunction = async urls => {
      await lock(urls);
      await calls();
    };
    expect((await verdict(pair(both))).outcome).toBe('inconclusive');
    const allowed = await verdict(pair(both), { allowHosts: [`localhost:${port}`] });
    expect(allowed.outcome).toBe('safe');
    expect(allowed.assumptions.join()).toContain(`localhost:${port}`);
  });

  test('the URL of the server itself, in a client that a module made before', async () => {
    shared.client = new pg.Client(servers.pgUrl);
    await shared.client.connect();
    const found = await verdict(pair(async () => void (await shared.client?.query('select 1'))));
    const { hostname, port: real } = new URL(servers.pgUrl);
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain(`connected to ${hostname}:${real} past the gates`);
  });

  test('a connection that one caller opened and both use', async () => {
    let shared: Redis | undefined;
    let users = 0;
    const sharing: ActorFunction = async urls => {
      shared ??= new Redis(urls.redisUrl);
      const own = shared;
      users++;
      await lock(urls);
      await own.incr('n');
      if (--users > 0) return;
      own.disconnect();
      shared = undefined;
    };
    const found = await verdict(pair(sharing));
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toMatch(/bob used a connection of ann's \(127\.0\.0\.1:\d+\)/);
  });

  test('what a caller serves itself is its own', async () => {
    const serves: ActorFunction = async urls => {
      const own = createServer(socket => {
        socket.write('o');
        socket.end('k');
      });
      await new Promise<void>(resolve => own.listen(0, '127.0.0.1', resolve));
      const address = own.address();
      const at = typeof address === 'object' && address !== null ? address.port : 0;
      await new Promise(resolve => connect(at, '127.0.0.1').resume().on('close', resolve));
      own.close();
      await lock(urls);
    };
    expect((await verdict(pair(serves))).outcome).toBe('safe');
  });

  test('who answers past the gates is waited for before time passes for who has asked', async () => {
    const slow = createServer(socket => {
      socket.once('data', () => setTimeout(() => socket.end('ok'), 150));
    });
    await new Promise<void>(resolve => slow.listen(0, '127.0.0.1', resolve));
    const address = slow.address();
    const at = typeof address === 'object' && address !== null ? address.port : 0;
    const hourMs = 3_600_000;
    const asks: ActorFunction = async urls => {
      await lock(urls);
      const socket = connect(at, '127.0.0.1').resume();
      socket.write('x');
      const answered = new Promise(resolve => socket.on('close', () => resolve('answered')));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise(resolve => {
        timer = setTimeout(() => resolve('late'), hourMs);
      });
      return Promise.race([answered, late]).finally(() => clearTimeout(timer));
    };
    const found = await verdict(pair(asks), { allowHosts: ['127.0.0.1'], preemptions: 0 });
    slow.close();
    expect([...found.ends.keys()]).toEqual(['A returned "answered" · B returned "answered"']);
  });

  test('a caller that asks a Sentinel would be led past its gate: it is told what to name', async () => {
    const asksSentinel = onRedis(redis => redis.call('sentinel', 'masters'));
    const found = await verdict(pair(asksSentinel));
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('name the Redis servers themselves in redisUrls');
  });

  test('a caller that asks nothing', async () => {
    const found = await verdict(pair(lock, async () => 'done'));
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('bob sent no request through the gates in any order');
  });
});
