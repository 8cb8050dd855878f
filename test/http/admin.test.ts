import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { makeRequest } from './appointments.ts';
import { openEdge } from './edge.ts';
import { ask, post, type Reply } from './requests.ts';

const token = 'a token that nobody can guess';
const closed = await openEdge();
const { url, databaseUrl } = await openEdge({ ADMIN_TOKEN: token, ALLOW_STRATEGY_HEADER: '1' });
const headers = { authorization: `Bearer ${token}` };
const audit = `${url}/admin/audit`;

const judged = (body: object): Promise<Reply> =>
  post(audit, { scenario: 'appointment', ...body }, { headers });

describe('the audit on request', () => {
  it('is closed without ADMIN_TOKEN and to whoever does not send it', async () => {
    const without = await ask(`${closed.url}/admin/audit?scenario=appointment`, { headers });
    expect(without.status).toBe(403);
    expect(without.body.type).toBe('/problems/admin-disabled');
    for (const authorization of ['', token, `Bearer ${token}x`]) {
      const reply = await ask(`${audit}?scenario=appointment`, { headers: { authorization } });
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.text).not.toContain(token);
    }
  });

  it('finds nothing where all is well', async () => {
    const { id, accepts } = await makeRequest(url, 2);
    const first = await post(`${url}${accepts[0]}`);
    const second = await post(`${url}${accepts[1]}`);
    expect([first.status, second.status]).toEqual([201, 409]);
    const acknowledged = [{ key: id, commandId: first.body.commandId }];
    const denied = [{ key: id, commandId: second.body.commandId }];
    const reply = await judged({ keys: [id], acknowledged, denied, refusedKeys: [id] });
    expect(reply.body).toMatchObject({ findings: 0, excess: {}, violations: [] });
  });

  it('finds what the rows and the claims of callers say, by kind', async () => {
    const [twice, empty] = [await makeRequest(url, 2), await makeRequest(url, 1)];
    const accepted = await post(`${url}${twice.accepts[0]}`);
    await doubled(twice.id);
    const reply = await judged({
      keys: [twice.id, empty.id],
      acknowledged: [{ key: empty.id, commandId: randomUUID() }],
      denied: [{ key: twice.id, commandId: accepted.body.commandId }],
      refusedKeys: [empty.id],
    });
    expect(reply.body.excess).toMatchObject({
      duplicate: expect.any(Number),
      'lost acknowledgement': 1,
      'false refusal': 1,
    });
    expect(reply.body.deniedAndThere).toBe(1);
    expect(reply.text).toContain('were answered as having no effect but took effect');
    const rows = await ask(`${audit}?scenario=appointment&key=${twice.id}&key=${empty.id}`, {
      headers,
    });
    expect(rows.body.excess).toMatchObject({ duplicate: expect.any(Number) });
    expect(rows.body.excess).not.toHaveProperty('lost acknowledgement');
    const all = await ask(`${audit}?scenario=appointment`, { headers });
    expect(all.body.excess).toEqual(rows.body.excess);
  });

  it.each<[string, object]>([
    ['scenario', { scenario: 'nothing' }],
    ['keys.0', { keys: ['x'] }],
    ['refusedKeys.0', { refusedKeys: ['1/x'] }],
    ['refusedKeys', { refusedKeys: ['1/2'] }], // an appointment is refused by its request alone
    ['refusedKeys', { scenario: 'transfer', refusedKeys: ['1/2/460044306719144061'] }], // no integer
    ['acknowledged.0.commandId', { acknowledged: [{ key: '1', commandId: 'x' }] }],
  ])('says that %s is wrong', async (path, body) => {
    const reply = await judged(body);
    expect(reply.status).toBe(400);
    expect(reply.body.issues).toMatchObject([{ path }]);
  });
});

/** As a broken lock would leave it: a second appointment for the same request. */
async function doubled(requestId: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `insert into appointments (request_id, offer_id, therapist_id, command_id)
       select request_id, offer_id, therapist_id, gen_random_uuid() from appointments
       where request_id = $1`,
      [requestId],
    );
  } finally {
    await client.end();
  }
}
