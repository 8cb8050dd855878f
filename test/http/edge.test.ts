import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { health } from '../../src/http/health.ts';
import { createLog } from '../../src/http/log.ts';
import { PageRequests } from '../../src/http/processes/page-requests.ts';
import { drain, httpServer, listen } from '../../src/http/server.ts';
import { openEdge } from './edge.ts';
import { ask, post } from './requests.ts';

const quiet = await openEdge();
const chatty = await openEdge({ LOG_LEVEL: 'debug' });

describe('a request id', () => {
  it('is the caller’s own where it is sane, and fresh otherwise', async () => {
    const own = await ask(`${quiet.url}/livez`, { headers: { 'x-request-id': 'a-b.c:1/2' } });
    expect(own.headers['x-request-id']).toBe('a-b.c:1/2');
    for (const odd of ['with space', '<script>', 'x'.repeat(129), '']) {
      const reply = await ask(`${quiet.url}/livez`, { headers: { 'x-request-id': odd } });
      expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });
});

describe('the log', () => {
  it('has one line per request at debug, with its id and without its credentials', async () => {
    const headers = {
      'x-request-id': 'one-line',
      authorization: 'Bearer topsecret',
      cookie: 'topsecret',
    };
    await post(`${chatty.url}/appointment-offers/1/accept`, {}, { headers });
    const lines = chatty.logged.filter(line => line.includes('one-line'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
      level: 20,
      req: { id: 'one-line', method: 'POST', url: '/appointment-offers/1/accept' },
      res: { statusCode: 404 },
    });
    expect(chatty.logged.join()).not.toContain('topsecret');
  });

  it('has none at the usual level', async () => {
    await ask(`${quiet.url}/nothing`, { headers: { 'x-request-id': 'no-line' } });
    expect(quiet.logged.join()).not.toContain('no-line');
  });

  it('never shows a secret of the configuration, however it got into a line', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://u:s%2Fecret1@h/db',
      REDIS_URL: 'redis://:secret2@h:1',
      REDIS_NODES: 'redis://:secret3@a:1,redis://b:1,redis://c:1',
      ADMIN_TOKEN: 'secret4-secret4-secret4',
    });
    const written: string[] = [];
    const log = createLog(config, { write: line => written.push(line) });
    const { databaseUrl, redisUrl, redisNodeUrls, adminToken } = config;
    log.info({ databaseUrl, deep: [{ redisUrl }] }, `${redisNodeUrls} ${adminToken}`);
    log.error(new Error('cannot reach postgres://u:s/ecret1@h/db'));
    expect(written).toHaveLength(2);
    expect(written.join()).not.toMatch(/ecret\d/);
    expect(written.join()).toContain('[redacted]');
  });
});

describe('what answers too late', () => {
  it('is unreachable for /readyz after 400 ms', async () => {
    const silent = { name: 'silent', ask: () => new Promise(() => {}) };
    const fine = { name: 'fine', ask: async () => {} };
    const { ready, checks } = await health([silent, fine], {
      stopping: false,
      warnings: [],
    });
    expect(ready).toBe(false);
    expect(checks).toEqual({ silent: 'unreachable', fine: 'ok' });
  });

  it('makes the metrics unavailable instead of keeping a scrape waiting', async () => {
    const pages = new PageRequests(() => {});
    await expect(pages.get()).rejects.toMatchObject({ code: 'metrics-unavailable' });
    const many = Array.from({ length: 33 }, () => pages.get());
    await expect(many.at(-1)).rejects.toMatchObject({ code: 'metrics-unavailable' });
    for (let ask = 2; ask <= 33; ask += 1) pages.take(ask, `page ${ask}`);
    expect(await many[0]).toBe('page 2');
  });

  it('is a request that does not come to its end', async () => {
    const server = httpServer((_request, response) => response.end(), { requestMaxMs: 100 });
    const port = await listen(server, { host: '127.0.0.1', port: 0, exclusive: true });
    afterAll(() => drain([server], 100));
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('POST / HTTP/1.1\r\nhost: x\r\n'),
      );
      let all = '';
      socket.on('data', chunk => {
        all += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(all));
    });
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*\/problems\/request-timeout/);
  });
});
