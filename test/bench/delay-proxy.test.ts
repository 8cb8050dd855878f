import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDelayProxy } from '../../bench/lab/delay-proxy.ts';

let echo: Server;
let port = 0;

beforeAll(async () => {
  echo = createServer({ allowHalfOpen: true }, socket => socket.pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  echo.close();
});

test.each([0, 4])('a line with %i ms more brings every byte, in order', async delayMs => {
  const proxy = await openDelayProxy({ host: '127.0.0.1', port }, delayMs);
  const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
  const sent = Array.from({ length: 200 }, (_, index) => `${index};`);
  const received = text(socket);
  for (const chunk of sent) socket.write(chunk);
  socket.end();
  expect(await received).toBe(sent.join(''));
  await proxy.close();
});

test('a line whose far end is away ends', async () => {
  const proxy = await openDelayProxy({ host: '127.0.0.1', port: 9 }, 1);
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  socket.on('error', () => {}); // a reset is an end too
  await once(socket, 'close');
  await proxy.close();
});
