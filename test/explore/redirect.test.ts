import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { told } from '../../src/explore/run/child-actor.ts';

const asked: string[] = [];
const server = createServer((incoming, outgoing) => {
  asked.push(`${incoming.method} ${incoming.url}`);
  if (incoming.method === 'POST') outgoing.writeHead(303, { location: '/bookings/7' }).end();
  else outgoing.end('booked');
});

beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise(resolve => server.close(resolve)));

test('a caller is one request: it is told where to look, and does not look', async () => {
  const { port } = server.address() as AddressInfo;
  const service = { command: ['true'] as [string], cwd: '.' };
  const answer = await told(port, { service, request: { path: '/bookings' } });
  expect(answer).toEqual({ status: 303, body: '/bookings/7' });
  expect(asked).toEqual(['POST /bookings']);
});
