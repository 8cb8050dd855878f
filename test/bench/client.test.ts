import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, WrongService } from '../../bench/compare/client.ts';

/** Answers as the path says; a client's view of the service, good and bad. */
let server: Server;
let url: string;
let client: Client;

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/accepted': told(201, { outcome: 'accepted', id: '1', key: '7', commandId: 'c1', attempts: 2 }),
  '/refused': told(409, {
    type: '/problems/refused',
    title: 'Refused',
    reason: 'full',
    key: '7',
    commandId: 'c2',
    attempts: 1,
  }),
  '/busy': told(503, { type: '/problems/turn-refused', title: 'Busy', attempts: 3 }),
  '/unknown': told(504, { type: 'https://x.example/problems/outcome-unknown', title: 'Unknown' }),
  '/failed': told(503, { type: '/problems/redis-unavailable', title: 'Redis' }),
  '/not-found': told(404, {
    type: '/problems/not-found',
    title: 'Not found',
    detail: 'no offer 9',
  }),
  '/other': told(201, { commandId: 'c', attempts: 1 }, 'another-strategy'),
  '/unnamed': told(201, { commandId: 'c', attempts: 1 }, null),
  '/unreadable': told(201, { attempts: 1 }),
  '/silent': () => {},
  '/reset': response => response.destroy(),
  '/endless': response => {
    response.writeHead(201, { 'lock-strategy': 'mine' });
    response.end('x'.repeat(100_000));
  },
};

function told(status: number, body: object, strategy: string | null = 'mine') {
  return (response: ServerResponse): void => {
    const named = strategy === null ? {} : { 'lock-strategy': strategy };
    response.writeHead(status, { 'content-type': 'application/json', ...named });
    response.end(JSON.stringify(body));
  };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    answers[request.url ?? '']?.(response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  client = new Client(1);
});
afterAll(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

const send = (path: string, signal = new AbortController().signal) =>
  client.send({ path, body: {}, actor: 'a' }, 0, {
    processUrls: [url],
    strategy: 'mine',
    variant: 'plain',
    timeoutMs: 300,
    signal,
  });

describe('an answer', () => {
  test.each([
    ['/accepted', { outcome: 'accepted', detail: '', attempts: 2, commandId: 'c1' }],
    ['/refused', { outcome: 'refused', detail: 'full', attempts: 1, commandId: 'c2' }],
    ['/busy', { outcome: 'busy', detail: 'turn-refused', attempts: 3 }],
    ['/unknown', { outcome: 'unknown', detail: 'outcome-unknown' }],
    ['/failed', { outcome: 'failed', detail: 'redis-unavailable' }],
    ['/silent', { outcome: 'unknown', detail: 'no answer', commandId: '' }],
    ['/reset', { outcome: 'unknown', detail: 'no answer' }],
    ['/endless', { outcome: 'unknown', detail: 'no answer' }],
  ])('%s is read as %o', async (path, expected) => {
    expect(await send(path)).toMatchObject({ actor: 'a', process: 0, ...expected });
  });

  test.each([
    ['/other', /'mine' was asked for and 'another-strategy' served/],
    ['/unnamed', /an unnamed one served/],
    ['/not-found', /404 Not found: no offer 9/],
    ['/unreadable', /not readable.*commandId/s],
  ])('%s ends the run', async (path, message) => {
    await expect(send(path)).rejects.toThrow(WrongService);
    await expect(send(path)).rejects.toThrow(message);
  });

  test('is not waited for once the run is told to stop', async () => {
    const stop = new AbortController();
    const sent = send('/silent', stop.signal);
    stop.abort(new Error('stopped'));
    await expect(sent).rejects.toThrow('stopped');
  });
});
