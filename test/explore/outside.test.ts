import { type ChildProcess, spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { allowedHosts, Outside } from '../../src/explore/run/elsewhere.ts';
import { ProcessSockets } from '../../src/explore/run/process-sockets.ts';
import type { Target } from '../../src/explore/time/reach.ts';
import { until } from '../fixtures/gate.ts';

describe('a connection past the gates', () => {
  /** Two callers, each with a gate; what the first has reached is judged. */
  async function judged(target: Target, allowed: readonly string[] = []) {
    return new Outside([[7001], [7002]], await allowedHosts(allowed)).of([[target], []]);
  }
  const at = (host: string, port: number): Target => ({ host, port });
  const socket = { host: '', port: 0, path: '/run/db.sock' };

  test.each([
    ['another host', at('10.0.0.9', 7001), '10.0.0.9:7001'],
    ['a port of this one', at('127.0.0.1', 80), '127.0.0.1:80'],
    ['the same in IPv6', at('::1', 80), '[::1]:80'],
    ['a socket in the file system', socket, '/run/db.sock'],
  ])('is one to %s', async (_, target, text) => {
    expect(await judged(target)).toEqual([{ actor: 0, target: text }]);
    expect(await judged(target, [text])).toEqual([]);
  });

  test('names whose gate it is, where it is one', async () => {
    const found = { actor: 0, target: '127.0.0.1:7002', gateOf: 1 };
    expect(await judged(at('127.0.0.1', 7002))).toEqual([found]);
    expect(await judged(at('127.0.0.1', 7001))).toEqual([]);
  });

  test('is none where a name is asked for', async () => {
    expect(await judged(at('10.0.0.2', 53))).toEqual([]);
  });

  test('is allowed by a name, where only its address is seen', async () => {
    for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(await judged(at(host, 80), ['localhost'])).toEqual([]);
      expect(await judged(at(host, 80), ['localhost:80'])).toEqual([]);
      expect(await judged(at(host, 81), ['localhost:80'])).toHaveLength(1);
    }
  });

  test('is allowed by the name of any other host, too', async ({ skip }) => {
    const found = await lookup(hostname(), { all: true }).catch(() => []);
    skip(found.length === 0, 'this machine has a name that leads nowhere');
    for (const { address } of found) {
      expect(await judged(at(address, 80), [hostname()])).toEqual([]);
      expect(await judged(at(address, 80), [`${hostname()}:80`])).toEqual([]);
    }
  });
});

const limitMs = 20_000;
const everywhere = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
const knowsIpv6 = everywhere.some(({ address }) => address === '::1');

const opened: { readonly children: ChildProcess[]; readonly servers: Server[] } = {
  children: [],
  servers: [],
};
afterEach(() => {
  for (const { pid } of opened.children.splice(0)) if (pid) process.kill(-pid, 'SIGKILL');
  for (const server of opened.servers.splice(0)) server.close();
});

async function served(host: string): Promise<number> {
  const server = createServer(() => undefined);
  opened.servers.push(server);
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

function start(...command: readonly [string, ...string[]]): number {
  const [file, ...args] = command;
  const child = spawn(file, args, { detached: true, stdio: 'ignore' });
  opened.children.push(child);
  return child.pid ?? 0;
}

describe.skipIf(!existsSync('/proc/self/net/tcp'))('a program is seen to reach', () => {
  const joins = (host: string, port: number) => `require('net').connect(${port}, '${host}')`;
  const reachedBy = async (pid: number): Promise<readonly Target[]> => {
    const sockets = new ProcessSockets();
    const looked = (): boolean => {
      sockets.look(pid);
      return sockets.reached.length > 0;
    };
    await until('it has reached somebody', looked, limitMs);
    return sockets.reached;
  };

  test.each(['127.0.0.1', ...(knowsIpv6 ? ['::1'] : [])])('a server at %s', async host => {
    const port = await served(host);
    const found = await reachedBy(start(process.execPath, '-e', joins(host, port)));
    expect(found).toEqual([{ host, port }]);
  });

  test.skipIf(!knowsIpv6)('an IPv4 server through a socket of IPv6', async () => {
    const port = await served('127.0.0.1');
    const mapped = joins('::ffff:127.0.0.1', port);
    const found = await reachedBy(start(process.execPath, '-e', mapped));
    expect(found).toEqual([{ host: '127.0.0.1', port }]);
  });

  test('a server through what it has started', async () => {
    const port = await served('127.0.0.1');
    const pid = start('sh', '-c', `"${process.execPath}" -e "$0" & wait`, joins('127.0.0.1', port));
    expect(await reachedBy(pid)).toEqual([{ host: '127.0.0.1', port }]);
  });

  test('no one by what it serves itself', async () => {
    const port = await served('127.0.0.1');
    const itself = `const net = require('net'); const own = net.createServer(() => {});
      own.listen(0, '127.0.0.1', () => net.connect(own.address().port, '127.0.0.1', () => {
        ${joins('127.0.0.1', port)} }))`;
    const found = await reachedBy(start(process.execPath, '-e', itself));
    expect(found).toEqual([{ host: '127.0.0.1', port }]);
  });
});
