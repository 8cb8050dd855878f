import { connect, type Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { ConnectionLimit, refusalsMax } from '../../src/http/connection-limit.ts';
import {
  filesBesides,
  httpConnectionsMax,
  openFilesMax,
  openFilesProblem,
} from '../../src/http/open-files.ts';
import { drain, httpServer, listen } from '../../src/http/server.ts';
import { until } from '../fixtures/gate.ts';
import { ask } from './requests.ts';

const servedMax = 3;

describe('a process with as many connections as it may have', async () => {
  let refused = 0;
  const limit = new ConnectionLimit(servedMax, () => {
    refused += 1;
  });
  const served = limit.through((_request, response) => response.end('served'));
  const servers = [httpServer(served), httpServer(served)];
  for (const server of servers) limit.bind(server);
  const ports = await Promise.all(
    servers.map(server => listen(server, { host: '127.0.0.1', port: 0, exclusive: true })),
  );
  const [port = 0, otherPort = 0] = ports;
  afterAll(() => drain(servers, 1_000));

  async function hold(count: number, at = port): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => connect(at, '127.0.0.1'));
    await until('they are open', () => sockets.every(socket => socket.readyState === 'open'));
    return sockets;
  }

  test('tells the next caller so, on whichever port, answers probes, and serves again', async () => {
    const held = await hold(servedMax);
    await until('they are counted', () => limit.load.open === servedMax);
    for (const one of ports) {
      const reply = await ask(`http://127.0.0.1:${one}/gift-cards`);
      expect(reply.status).toBe(503);
      expect(reply.body).toMatchObject({ type: '/problems/too-many-connections', status: 503 });
      expect(reply.body.requestId).toBe(reply.headers['x-request-id']);
      expect(reply.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    }
    expect((await ask(`http://127.0.0.1:${port}/livez`)).text).toBe('served');
    expect(refused).toBe(3);
    for (const socket of held) socket.destroy();
    await until('they are gone', () => limit.load.open === 0);
    expect((await ask(`http://127.0.0.1:${port}/gift-cards`)).text).toBe('served');
  });

  test('closes what is far beyond it, and whoever says nothing', async () => {
    const held = await hold(servedMax);
    await until('they are counted', () => limit.load.open === servedMax);
    const silent = await hold(refusalsMax);
    const ends = silent.map(socket => new Promise(resolve => socket.once('close', resolve)));
    await expect(ask(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
    // the flood at one port leaves the other's own callers their room
    expect((await ask(`http://127.0.0.1:${otherPort}/livez`)).text).toBe('served');
    await Promise.all(ends);
    expect((await ask(`http://127.0.0.1:${port}/livez`)).text).toBe('served');
    for (const socket of held) socket.destroy();
  });
});

describe('how many connections a process may have', () => {
  const config = readConfig({ REDIS_URL: 'redis://r' });

  test('is what its files leave, or what is configured', () => {
    const besides = filesBesides(config);
    expect(httpConnectionsMax(config, 1_024)).toBe(1_024 - besides);
    expect(httpConnectionsMax(config, Infinity)).toBe(10_000);
    expect(httpConnectionsMax(readConfig({ HTTP_CONNECTIONS: '50' }), 1_024)).toBe(50);
    const pools = readConfig({ REDIS_URL: 'redis://r', DATABASE_CONNECTIONS: '20' });
    expect(filesBesides(pools)).toBe(besides + 20);
    if (process.platform === 'linux') expect(openFilesMax()).toBeGreaterThan(100);
  });

  test('is refused where the files are too few', () => {
    const besides = filesBesides(config);
    expect(openFilesProblem(config, besides + 8)).toBeUndefined();
    expect(openFilesProblem(config, besides + 7)).toMatch(/may open \d+ files.*raise the limit/);
    const many = readConfig({ HTTP_CONNECTIONS: '1000' });
    expect(openFilesProblem(many, 1_024)).toMatch(/HTTP_CONNECTIONS=1000 and its pools need/);
    expect(openFilesProblem(many, Infinity)).toBeUndefined();
  });
});
