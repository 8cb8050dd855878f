import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import tableLock from '../../strategies/table-lock.ts';
import { until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { count, makeRequest } from './appointments.ts';
import { openEdge } from './edge.ts';
import { post, type Reply } from './requests.ts';

const folder = await mkdtemp(join(tmpdir(), 'lockstep-keys-'));
afterAll(() => rm(folder, { recursive: true }));
const early = join(folder, 'table-first.mjs');
const tableFirst = { ...tableLock, isolation: 'repeatable read' };
await writeFile(early, `export default ${JSON.stringify(tableFirst)};`);

let proxy: TcpProxy | undefined;
const edge = await openEdge({ ALLOW_STRATEGY_HEADER: '1', STRATEGY_FILES: early }, async url => {
  proxy = await TcpProxy.open(url);
  return proxy.url;
});

const accept = (path: string, key: string, headers: Record<string, string> = {}): Promise<Reply> =>
  post(edge.url + path, {}, { headers: { 'idempotency-key': key, ...headers } });

const appointmentsOf = (requestId: string): Promise<number> =>
  count(
    edge.databaseUrl,
    'select count(*)::integer as count from appointments where request_id = $1',
    [requestId],
  );

describe('Idempotency-Key', () => {
  test('the first answer comes again, with its command id, and is marked', async () => {
    const { id, accepts } = await makeRequest(edge.url, 2, 2);
    const key = randomUUID();
    const first = await accept(accepts[0] ?? '', key);
    const again = await accept(accepts[0] ?? '', `"${key}"`);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await appointmentsOf(id)).toBe(1);
  });

  test('a refusal comes again too, although capacity may be there by then', async () => {
    const { accepts } = await makeRequest(edge.url, 2);
    await accept(accepts[0] ?? '', randomUUID());
    const key = randomUUID();
    const first = await accept(accepts[1] ?? '', key);
    const again = await accept(accepts[1] ?? '', key);
    expect([first.status, again.status]).toEqual([409, 409]);
    expect(again.body).toMatchObject({
      reason: first.body.reason,
      commandId: first.body.commandId,
    });
  });

  test('the key of another command is refused with 422, on every route', async () => {
    const { accepts } = await makeRequest(edge.url, 2, 2);
    const key = randomUUID();
    await accept(accepts[0] ?? '', key);
    const reply = await accept(accepts[1] ?? '', key);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ type: '/problems/idempotency-key-reused' });
  });

  test('a strategy that has to lock its table before its snapshot takes no key', async () => {
    const { accepts } = await makeRequest(edge.url, 1);
    const headers = { 'lock-strategy': 'table-first' };
    const reply = await accept(accepts[0] ?? '', randomUUID(), headers);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ type: '/problems/idempotency-not-offered' });
    expect((await post(edge.url + accepts[0], {}, { headers })).status).toBe(201);
  });

  test('a key that cannot be stored is refused at the edge', async () => {
    const { id, accepts } = await makeRequest(edge.url, 1);
    for (const key of ['short', 'x'.repeat(201), 'with a space', `${'a'.repeat(8)}é`, '']) {
      const reply = await accept(accepts[0] ?? '', key);
      expect(reply.body).toMatchObject({ type: '/problems/idempotency-key-invalid' });
      expect(reply.status).toBe(400);
    }
    expect(await appointmentsOf(id)).toBe(0);
  });

  for (const strategy of ['row-lock', 'sequelize-row-lock'])
    test(`under ${strategy} a second request while the first runs is told 409`, async () => {
      const { id, accepts } = await makeRequest(edge.url, 1);
      const key = randomUUID();
      const headers = { 'lock-strategy': strategy };
      const blocker = await Session.open(edge.databaseUrl);
      try {
        await blocker.run('begin', `select from appointment_requests where id = ${id} for update`);
        const first = accept(accepts[0] ?? '', key, headers);
        const watch = await Session.open(edge.databaseUrl);
        await until('the first waits', async () => (await watch.value(waitersSql)) === 1);
        await watch.close();
        const second = await accept(accepts[0] ?? '', key, headers);
        expect(second.status).toBe(409);
        expect(second.body).toMatchObject({ type: '/problems/idempotency-in-flight' });
        await blocker.run('commit');
        expect((await first).status).toBe(201);
      } finally {
        await blocker.close();
      }
    });

  test('a lost COMMIT reply is 504, and the same request again gets the answer: booked once', async () => {
    if (!proxy) throw new Error('there is no proxy');
    const through = proxy;
    const { id, accepts } = await makeRequest(edge.url, 2, 2);
    const key = randomUUID();
    let ours: unknown;
    through.onRequest = (chunk, connection) => {
      if (chunk.includes(key)) ours = connection; // the sweep commits, too
      if (connection === ours && chunk.includes('commit\0')) through.dropReplies = true;
    };
    const lost = await accept(accepts[0] ?? '', key);
    expect(lost.status).toBe(504);
    expect(lost.body).toMatchObject({ outcome: 'unknown' });
    through.onRequest = () => {};
    through.dropReplies = false;
    through.cut();
    let again = await accept(accepts[0] ?? '', key);
    await until('the answer is there', async () => {
      again = await accept(accepts[0] ?? '', key);
      return again.status === 201;
    });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toMatchObject({ outcome: 'accepted', commandId: lost.body.commandId });
    expect(await appointmentsOf(id)).toBe(1);
  });
});
