import { randomUUID } from 'node:crypto';
import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { count, makeRequest } from './appointments.ts';
import { openEdge } from './edge.ts';
import { post } from './requests.ts';

let proxy: TcpProxy | undefined;
const edge = await openEdge(
  { ALLOW_STRATEGY_HEADER: '1', DATABASE_CONNECTIONS: '4', WAITERS_PER_KEY: '3' },
  async url => {
    proxy = await TcpProxy.open(url);
    return proxy.url;
  },
);

let blocker: Session;
let watch: Session;
beforeAll(async () => {
  blocker = await Session.open(edge.databaseUrl);
  watch = await Session.open(edge.databaseUrl);
});
afterAll(() => Promise.all([blocker.close(), watch.close()]));

const waiters = async (): Promise<number> => Number(await watch.value(waitersSql));
const block = (id: string) =>
  blocker.run('begin', `select from appointment_requests where id = ${id} for update`);

/** Sends a command whose caller does not stay for the answer. */
function leaving(path: string, headers: Record<string, string> = {}): ClientRequest {
  const all = { 'content-type': 'application/json', ...headers };
  const sent = request(edge.url + path, { method: 'POST', agent: false, headers: all });
  sent.on('error', () => {}); // it ends itself
  sent.end('{}');
  return sent;
}

const appointmentsOf = (requestId: string): Promise<number> =>
  count(
    edge.databaseUrl,
    'select count(*)::integer as count from appointments where request_id = $1',
    [requestId],
  );

describe('a client that leaves', () => {
  for (const strategy of ['row-lock', 'sequelize-row-lock'])
    test(`while its command waits under ${strategy} leaves nothing that waits, and may ask again`, async () => {
      const { id, accepts } = await makeRequest(edge.url, 1);
      const headers = { 'idempotency-key': randomUUID(), 'lock-strategy': strategy };
      await block(id);
      const sent = leaving(accepts[0] ?? '', headers);
      await until('the command waits', async () => (await waiters()) === 1);
      sent.destroy();
      await until('nobody waits', async () => (await waiters()) === 0);
      await blocker.run('commit');
      const again = await post(edge.url + accepts[0], {}, { headers });
      expect(again.status).toBe(201);
      expect(again.headers['idempotent-replayed']).toBeUndefined();
      expect(await appointmentsOf(id)).toBe(1);
    });

  test('while COMMIT is under way finds its answer under its key', async () => {
    if (!proxy) throw new Error('there is no proxy');
    const through = proxy;
    const { id, accepts } = await makeRequest(edge.url, 1);
    const key = randomUUID();
    const headers = { 'idempotency-key': key };
    let ours: unknown;
    let gone = false;
    const sent = leaving(accepts[0] ?? '', headers);
    through.onRequest = (chunk, connection) => {
      if (chunk.includes(key)) ours = connection;
      if (connection !== ours || !chunk.includes('commit\0')) return;
      sent.destroy();
      gone = true;
    };
    await until('the client has left', () => gone);
    through.onRequest = () => {};
    await until('it was committed', async () => (await appointmentsOf(id)) === 1);
    const again = await post(edge.url + accepts[0], {}, { headers });
    expect(again.status).toBe(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await appointmentsOf(id)).toBe(1);
  });

  test('one waiter too many is told at once, and when to come again', async () => {
    const { id, accepts } = await makeRequest(edge.url, 1);
    await block(id);
    const path = edge.url + accepts[0];
    // two ask for the row, three wait behind them
    const answers = Array.from({ length: 6 }, () => post(path));
    const first = await Promise.race(answers);
    expect(first.status).toBe(503);
    expect(first.body).toMatchObject({ type: '/problems/too-many-waiters', outcome: 'busy' });
    expect(Number(first.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    await blocker.run('commit');
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 409, 409, 409, 409, 503]);
  });
});
