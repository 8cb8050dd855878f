import { describe, expect, test } from 'vitest';
import { Session } from '../fixtures/session.ts';
import { openEdge } from './edge.ts';
import { ask, post, type Reply } from './requests.ts';

const { url, logged } = await openEdge({ ADMIN_TOKEN: 'nobody can guess this' });
const therapist = async (): Promise<string> => {
  const { body } = await post(`${url}/therapists`, { name: 'A' });
  return String(body.id);
};

function expectRefused(reply: Reply, code = 'invalid-input', status = 400): void {
  expect([reply.status, reply.body.type]).toEqual([status, `/problems/${code}`]);
}

describe('what Postgres cannot take is refused as the mistake of its caller', () => {
  const nul = 'a\0b';
  test.each<[string, object, string]>([
    ['/appointment-requests', { client: nul, therapistIds: ['1'] }, 'client'],
    ['/payrolls', { employer: nul, amountCents: 1 }, 'employer'],
    ['/therapists', { name: nul }, 'name'],
    ['/campaigns', { title: nul, coupons: 1 }, 'title'],
    ['/invoices', { payee: nul, amountCents: 1 }, 'payee'],
    ['/payout-runs', { payee: nul }, 'payee'],
    ['/payout-jobs', { invoices: [{ payee: nul, amountCents: 1 }] }, 'invoices.0.payee'],
  ])('NUL in a text of %s', async (path, body: object, where) => {
    const reply = await post(`${url}${path}`, body);
    expectRefused(reply);
    expect(reply.body.issues).toEqual([{ path: where, message: expect.stringContaining('NUL') }]);
    expect((await post(`${url}${path}`, half(body))).status).toBe(400);
  });

  test('a backslash before the letters u0000 is no NUL', async () => {
    const name = 'a\\u0000b';
    const reply = await post(`${url}/therapists`, { name });
    expect([reply.status, reply.body.name]).toEqual([201, name]);
  });

  test('NUL in a path or in a query', async () => {
    const headers = { authorization: 'Bearer nobody can guess this' };
    expectRefused(
      await ask(`${url}/admin/violations?kind=a%00b`, { headers }),
      'malformed-request',
    );
    expectRefused(await ask(`${url}/therapists/1%00`), 'malformed-request');
    expectRefused(await ask(`${url}/problems/%00`), 'malformed-request');
  });

  test.each([
    ['year 0', '0000-01-01T00:00:00Z', '0000-02-01T00:00:00Z'],
    ['an offset that no clock has', '2026-01-01T00:00:00+23:59', '2026-01-01T05:00:00+23:59'],
    ['an offset of 16 hours', '2026-01-01T00:00:00-16:00', '2026-01-01T05:00:00-16:00'],
  ])('%s', async (_what, startsAt, endsAt) => {
    const to = `${url}/therapists/${await therapist()}/visit-requests`;
    const reply = await post(to, { client: 'A', startsAt, endsAt });
    expectRefused(reply);
    expect(reply.body.issues).toHaveLength(2);
  });

  test.each([
    ['the first year', '0001-01-01T00:00:00+15:59', '0001-01-02T00:00:00+15:59'],
    ['the last one', '9999-12-31T00:00:00-15:59', '9999-12-31T23:59:59-15:59'],
  ])('%s is taken', async (_what, startsAt, endsAt) => {
    const to = `${url}/therapists/${await therapist()}/visit-requests`;
    expect((await post(to, { client: 'A', startsAt, endsAt })).status).toBe(201);
  });
});

describe('nesting', () => {
  const key = { 'idempotency-key': 'nested-deeply' };
  const nested = (open: string, close: string, levels: number): string =>
    open.repeat(levels) + close.repeat(levels);

  test.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('of %s is bounded before anything recurses', async (_what, open, close) => {
    for (const levels of [33, 5_000, 10_000])
      for (const headers of [{}, key]) {
        const body = nested(open, close, levels).replace(':}', ':1}');
        const reply = await ask(`${url}/gift-cards/1/debits`, { method: 'POST', body, headers });
        expectRefused(reply, 'malformed-json');
        expect(reply.body.detail).toContain('32 levels');
      }
  });

  test('brackets in a text are none', async () => {
    const name = '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ "\\" {{{{';
    expect((await post(`${url}/therapists`, { name })).body.name).toBe(name);
  });
});

test('value-rejected: what only Postgres knows is refused as well, and can be found in the log', async () => {
  const own = await openEdge();
  const client = await Session.open(own.databaseUrl);
  await client.run('alter table therapists alter name type varchar(3)');
  await client.close();
  expectRefused(await post(`${own.url}/therapists`, { name: 'four' }), 'value-rejected');
  expect(own.logged.join()).toMatch(/"level":40.*value too long/);
});

test('none of them is logged as an error of ours', () => {
  expect(logged.filter(line => line.includes('"level":50'))).toEqual([]);
});

/** The same with half of a surrogate pair, which no encoding has. */
function half(body: object): object {
  return JSON.parse(JSON.stringify(body).replaceAll('\\u0000', '\\ud800'));
}
