import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { failures } from '../../src/contract/index.ts';
import { edgeProblems, problemPages } from '../../src/http/problems.ts';
import { until } from '../fixtures/gate.ts';
import { makeRequest } from './appointments.ts';
import { openEdge } from './edge.ts';
import { type Ask, ask, post, type Reply } from './requests.ts';

const usual = await openEdge();
const hurried = await openEdge({ WAIT_MS: '300' });
const lab = await openEdge({
  ALLOW_STRATEGY_HEADER: '1',
  ADMIN_TOKEN: 'nobody can guess this',
  REDIS_URL: '',
});
const { url } = usual;
const none = `${url}/appointment-offers/999999/accept`;

/** Problem types that these tests have seen over HTTP. */
const seen = new Set<string>();

function expectProblem(reply: Reply, code: string): void {
  expect(reply.body).toMatchObject({ type: `/problems/${code}` });
  expect(reply.headers['content-type']).toBe('application/problem+json');
  expect(reply.body).toMatchObject({ status: reply.status });
  expect(reply.body.title).toEqual(expect.any(String));
  expect(reply.body.detail).toEqual(expect.any(String));
  expect(reply.body.requestId).toBe(reply.headers['x-request-id']);
  const page = problemPages.find(one => one.code === code);
  expect(page?.status).toBe(reply.status);
  seen.add(code);
}

describe('bad input', () => {
  it.each<[string, string, Ask & { url?: string }]>([
    ['malformed-json', 'a body that is no JSON', { method: 'POST', body: '{"a":' }],
    [
      'malformed-json',
      'a body that is not UTF-8',
      { method: 'POST', body: Buffer.from([0x22, 0xff, 0x22]) },
    ],
    ['invalid-input', 'a body with unknown members', { method: 'POST', body: { a: 1 } }],
    ['invalid-input', 'a body that is no object', { method: 'POST', body: '1' }],
    [
      'invalid-input',
      'an id that is none',
      { method: 'POST', url: `${url}/appointment-offers/x/accept` },
    ],
    [
      'invalid-input',
      'an id beyond bigint',
      { method: 'POST', url: `${url}/appointment-offers/9999999999999999999/accept` },
    ],
    ['not-found', 'an id that does not exist', { method: 'POST', body: {} }],
    ['not-found', 'a resource that does not exist', { url: `${url}/appointment-requests/999999` }],
    ['not-found', 'a problem type that does not exist', { url: `${url}/problems/nothing` }],
    ['route-not-found', 'a path that nobody serves', { url: `${url}/nothing` }],
    ['method-not-allowed', 'a method that the path does not take', { method: 'DELETE' }],
    ['body-too-large', 'more than 64 kB', { method: 'POST', body: 'x'.repeat(64 * 1_024 + 1) }],
    [
      'unsupported-media-type',
      'text',
      { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } },
    ],
    [
      'unsupported-media-type',
      'another charset',
      {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json; charset=latin1' },
      },
    ],
    [
      'unsupported-media-type',
      'a compressed body',
      { method: 'POST', body: '{}', headers: { 'content-encoding': 'gzip' } },
    ],
    ['malformed-request', 'a broken percent escape', { url: `${url}/appointment-requests/%zz` }],
    [
      'header-not-allowed',
      'a choice of strategy',
      { method: 'POST', headers: { 'lock-strategy': 'unprotected' } },
    ],
    [
      'header-not-allowed',
      'a choice of variant',
      { method: 'POST', headers: { 'scenario-variant': 'plain' } },
    ],
  ])('%s: %s', async (code, _what, sent) => {
    expectProblem(await ask(sent.url ?? none, sent), code);
  });

  it('says where the input is wrong, and never repeats it', async () => {
    const reply = await post(`${url}/appointment-requests`, {
      client: '',
      therapistIds: ['secret'],
    });
    expectProblem(reply, 'invalid-input');
    expect(reply.body.issues).toEqual([
      { path: 'client', message: expect.any(String) },
      { path: 'therapistIds.0', message: expect.any(String) },
    ]);
    expect(reply.text).not.toContain('secret');
  });

  it('admits nobody to the admin routes without the token', async () => {
    const audit = (edge: { url: string }) => ask(`${edge.url}/admin/audit?scenario=appointment`);
    expectProblem(await audit(usual), 'admin-disabled');
    expectProblem(await audit(lab), 'admin-token-wrong');
  });

  it('lists in Allow what a path takes', async () => {
    expect((await ask(none, { method: 'PUT' })).headers.allow).toBe('POST');
    const page = await ask(`${url}/metrics`, { method: 'POST' });
    expect(page.headers.allow).toBe('GET, HEAD');
  });

  it('takes a body of exactly 64 kB, with any spelling of its type', async () => {
    const body = `${' '.repeat(64 * 1_024 - 2)}{}`;
    expect((await post(none, body)).status).toBe(404);
    const headers = { 'content-type': 'Application/JSON;charset="UTF-8"' };
    expect((await ask(none, { method: 'POST', body: '{}', headers })).status).toBe(404);
  });

  it('ends an endless body instead of reading it', async () => {
    const reply = await raw([
      'POST /appointment-offers/1/accept HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n',
      'content-length: 99999999\r\n\r\n',
    ]);
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
    expect(reply).toMatch(/connection: close/i);
  });

  it('answers broken framing and large headers with a problem too', async () => {
    const broken = await raw(['NOT HTTP\r\n\r\n']);
    expect(broken).toMatch(/^HTTP\/1\.1 400 [\s\S]*\/problems\/malformed-request/);
    const large = await raw([`GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`]);
    expect(large).toMatch(/^HTTP\/1\.1 431 [\s\S]*\/problems\/headers-too-large/);
    seen.add('headers-too-large');
  });
});

describe('choosing a strategy', () => {
  it('names the strategy that ran on every contended answer', async () => {
    expect((await post(none)).headers['lock-strategy']).toBe('row-lock');
    expect((await post(none)).headers).not.toHaveProperty('command-worked-us'); // for a lab only
    const { accepts } = await makeRequest(lab.url, 1);
    const headers = { 'lock-strategy': 'unique-slots', 'scenario-variant': 'plain' };
    const reply = await post(`${lab.url}${accepts[0]}`, {}, { headers });
    expect(reply.status).toBe(201);
    expect(reply.headers['lock-strategy']).toBe('unique-slots');
    const spanOf = (name: string): number[] => String(reply.headers[name]).split('-').map(Number);
    const [asked = 0, ended = 0] = spanOf('command-worked-us');
    const [read = 0, committed = 0] = spanOf('command-decided-us');
    const inOrder = [asked, read, committed, ended];
    expect(inOrder.toSorted((a, b) => a - b)).toEqual(inOrder);
  });

  it('lists the names where one is unknown', async () => {
    const accept = `${lab.url}/appointment-offers/1/accept`;
    const two = { 'lock-strategy': 'both:unique-slots+row-lock' };
    expect((await post(accept, {}, { headers: two })).headers['lock-strategy']).toBe(
      'both:row-lock+unique-slots',
    );
    const never = { 'lock-strategy': 'both:row-lock+serializable' };
    expect((await post(accept, {}, { headers: never })).body).toMatchObject({
      type: '/problems/strategy-not-offered',
      detail: expect.stringContaining('snapshot'),
    });
    const strategy = await post(accept, {}, { headers: { 'lock-strategy': 'nothing' } });
    expectProblem(strategy, 'unknown-strategy');
    expect(strategy.body.names).toEqual(expect.arrayContaining(['unprotected', 'row-lock']));
    const variant = await post(accept, {}, { headers: { 'scenario-variant': 'nothing' } });
    expectProblem(variant, 'unknown-variant');
    expect(variant.body.names).toEqual(['plain']);
  });

  it('says why a strategy cannot run here', async () => {
    const headers = { 'lock-strategy': 'redis-lease' };
    const reply = await post(`${lab.url}/appointment-offers/1/accept`, {}, { headers });
    expectProblem(reply, 'strategy-not-offered');
    expect(reply.body.detail).toContain('REDIS_URL is not set');
  });
});

describe('ends of a command', () => {
  it('refuses with the reason, the key, the command and the attempts', async () => {
    const { id, accepts } = await makeRequest(url, 2);
    const first = await post(`${url}${accepts[0]}`);
    expect(first.status).toBe(201);
    const accepted = {
      outcome: 'accepted',
      key: id,
      attempts: 1,
      id: expect.stringMatching(/^\d+$/),
    };
    expect(first.body).toMatchObject(accepted);
    const second = await post(`${url}${accepts[1]}`);
    expectProblem(second, 'refused');
    expect(second.body).toMatchObject({
      outcome: 'refused',
      reason: 'expired',
      key: id,
      attempts: 1,
    });
    expect(second.body.commandId).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.headers['retry-after']).toBeUndefined();
  });

  it('refuses an idempotency key that cannot be stored, or that belongs to another command', async () => {
    const { accepts } = await makeRequest(url, 2, 2);
    const send = (path: string | undefined, key: string) =>
      post(`${url}${path}`, {}, { headers: { 'idempotency-key': key } });
    expectProblem(await send(accepts[0], 'short'), 'idempotency-key-invalid');
    const key = randomUUID();
    expect((await send(accepts[0], key)).status).toBe(201);
    expectProblem(await send(accepts[1], key), 'idempotency-key-reused');
  });

  it('answers busy with Retry-After when the turn is not to be had in time', async () => {
    const { id, accepts } = await makeRequest(hurried.url, 1);
    const accept = () => post(`${hurried.url}${accepts[0]}`);
    const holder = new pg.Client({ connectionString: hurried.databaseUrl });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query('select from appointment_requests where id = $1 for update', [id]);
      const reply = await accept();
      expectProblem(reply, 'lock-not-available');
      expect(reply.headers['retry-after']).toBe('1');
      expect(reply.body).toMatchObject({ outcome: 'busy', key: id, attempts: 1 });
    } finally {
      await holder.end();
    }
    await until('it is to be had', async () => (await accept()).status === 201);
  });

  it('hides an unexpected error from the caller and logs it under the request id', async () => {
    const broken = await openEdge();
    const { accepts } = await makeRequest(broken.url, 1);
    const admin = new pg.Client({ connectionString: broken.databaseUrl });
    await admin.connect();
    await admin.query('alter table appointments rename to elsewhere');
    await admin.end();
    const headers = { 'x-request-id': 'find-me' };
    const reply = await post(`${broken.url}${accepts[0]}`, {}, { headers });
    expectProblem(reply, 'internal-error');
    expect(reply.text).not.toContain('appointments');
    await until('it is logged', () => broken.logged.some(line => line.includes('"find-me"')));
    const line = broken.logged.find(one => one.includes('"find-me"'));
    expect(line).toContain('does not exist');
  });
});

describe('documentation of problems', () => {
  it('serves each type at its own address', async () => {
    const list = await ask(`${url}/problems`);
    const codes = [...Object.keys(edgeProblems), ...Object.keys(failures)];
    expect(list.body.problems).toHaveLength(codes.length);
    for (const code of codes) {
      const page = await ask(`${url}/problems/${code}`);
      expect(page).toMatchObject({ status: 200, body: { type: `/problems/${code}`, code } });
      expect(page.body.meaning).toEqual(expect.stringMatching(/\.$/));
    }
  });

  it('was seen over HTTP for every type of the edge that needs no stop and no held lock', () => {
    const elsewhere = [
      ...['idempotency-not-offered', 'request-timeout'],
      'idempotency-in-flight',
      'scenario-not-offered',
      'not-ready',
      'too-many-connections',
      'metrics-unavailable',
    ];
    const unseen = Object.keys(edgeProblems).filter(code => !seen.has(code));
    const apart = /^(lock-|(no-)?rollout|flag-|unknown-scenario|strategy-as)/; // in their own tests
    expect(unseen.filter(code => !apart.test(code))).toEqual(elsewhere);
  });
});

/** Sends bytes as they are, and resolves with all that comes back. */
function raw(parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(usual.port, '127.0.0.1');
    let text = '';
    socket.setTimeout(5_000, () => socket.destroy(new Error('no end in time')));
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.on('error', error => (text === '' ? reject(error) : resolve(text)));
    socket.on('close', () => resolve(text));
    for (const part of parts) socket.write(part);
  });
}
