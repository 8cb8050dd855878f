import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { type Edge, openEdge } from './edge.ts';
import { ask, post, type Reply } from './requests.ts';

const token = 'a token that nobody can guess';
const headers = { authorization: `Bearer ${token}` };
const { redisUrl, redisNodeUrls } = testServers();

const opened = (STRATEGY: string, lockStore = redisUrl): Promise<Edge> =>
  openEdge({
    STRATEGY,
    ADMIN_TOKEN: token,
    REDIS_URL: lockStore,
    REDIS_NODES: redisNodeUrls.join(','),
  });

interface Lock {
  readonly kind: string;
  readonly at: string;
  readonly holders: readonly Holder[];
  readonly waiters: readonly Record<string, unknown>[];
  readonly unknown?: string;
}

interface Holder {
  readonly holder: string;
  readonly remainingMs?: number;
  readonly backend?: { readonly pid: number; readonly application: string };
}

/** One card, with the routes of its locks. */
async function cardOf(edge: Edge) {
  const made = await post(`${edge.url}/gift-cards`, { initialCents: 100 });
  const id = String(made.body.id);
  const route = `${edge.url}/admin/locks/${encodeURIComponent(`gift_cards/${id}`)}`;
  const look = async (kind: string): Promise<readonly Lock[]> => {
    const { status, body } = await ask(route, { headers });
    expect(status).toBe(200);
    const locks = Array.isArray(body.locks) ? (body.locks as readonly Lock[]) : [];
    return locks.filter(lock => lock.kind === kind);
  };
  const release = (body: object): Promise<Reply> =>
    post(`${route}/release`, { by: 'a test', reason: 'to see it', ...body }, { headers });
  const debit = () => post(`${edge.url}/gift-cards/${id}/debits`, { amountCents: 1 });
  return { id, route, look, release, debit };
}

const clients: pg.Client[] = [];
afterEach(() => Promise.all(clients.splice(0).map(client => client.end().catch(() => {}))));

/** A session of somebody else, such as a console that was left open. */
async function outsider(edge: Edge): Promise<pg.Client & { pid: number }> {
  const client = new pg.Client({ connectionString: edge.databaseUrl, application_name: 'console' });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return Object.assign(client, { pid: rows[0]?.pid ?? 0 });
}

const lockRow = 'select from gift_cards where id = $1 for no key update';

describe.each(['redis-lease', 'redis-lease-queued', 'redis-lease-fenced'])('%s', async strategy => {
  const edge = await opened(strategy);

  test('shows the holder of the lease, and gives it back to whoever repeats its name', async () => {
    const { id, look, release, debit } = await cardOf(edge);
    expect((await look('lease'))[0]).toMatchObject({ at: 'redis', holders: [], waiters: [] });
    const console = await outsider(edge);
    await console.query('begin');
    await console.query(lockRow, [id]);
    const held = debit(); // has the lease, and waits for the row
    let [lease] = await look('lease');
    await until('the lease is held', async () => {
      [lease] = await look('lease');
      return lease?.holders.length === 1;
    });
    const [holder] = lease?.holders ?? [];
    expect(holder?.remainingMs).toBeGreaterThan(0);
    expect(holder?.holder).toMatch(/^[0-9a-f]{16}$/);

    const wrong = await release({ kind: 'lease', holder: '0123456789abcdef' });
    expect([wrong.status, wrong.body.type]).toEqual([409, '/problems/lock-holder-changed']);
    expect((await look('lease'))[0]?.holders[0]?.holder).toBe(holder?.holder);

    const right = await release({ kind: 'lease', holder: holder?.holder });
    expect(right.body).toMatchObject({ released: true, meaning: expect.stringContaining('lost') });
    expect((await look('lease'))[0]?.holders[0]?.holder).not.toBe(holder?.holder);
    expect(edge.logged.filter(line => line.includes('released by an operator')).at(-1)).toContain(
      '"by":"a test","reason":"to see it"',
    );
    await console.query('rollback');
    expect((await held).status).toBe(201);
    const again = await release({ kind: 'lease', holder: holder?.holder });
    expect(again.body).toMatchObject({ released: false });
  });
});

describe('redis-lease-queued', async () => {
  const edge = await opened('redis-lease-queued');

  test('shows who waits and for how long, and a release hands the lock on', async () => {
    const { id, look, release, debit } = await cardOf(edge);
    const console = await outsider(edge);
    await console.query('begin');
    await console.query(lockRow, [id]);
    const first = debit();
    await until('the first holds it', async () => (await look('lease'))[0]?.holders.length === 1);
    const second = debit();
    await until('the second waits', async () => (await look('lease'))[0]?.waiters.length === 1);
    const [lease] = await look('lease');
    expect(lease?.waiters[0]).toMatchObject({ waitingMs: expect.any(Number) });
    await release({ kind: 'lease', holder: lease?.holders[0]?.holder });
    await until('the second has it', async () => {
      return (await look('lease'))[0]?.holders[0]?.holder === lease?.waiters[0]?.waiter;
    });
    await console.query('rollback');
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
  });
});

describe('redis-lease without its Redis', async () => {
  const [own] = await ownRedisServers(1);
  const edge = await opened('redis-lease', own?.url);

  test('is shown as unknown, and a release says that nobody knows', async () => {
    const { look, release } = await cardOf(edge);
    await own?.kill();
    await until('it is missed', async () => (await look('lease'))[0]?.unknown !== undefined);
    const reply = await release({ kind: 'lease', holder: '0123456789abcdef' });
    expect([reply.status, reply.body.type]).toEqual([503, '/problems/lock-store-unavailable']);
  });
});

describe('redlock', async () => {
  const edge = await opened('redlock');

  test('shows every node, and a release is one at each', async () => {
    const { id, look, release, debit } = await cardOf(edge);
    const console = await outsider(edge);
    await console.query('begin');
    await console.query(lockRow, [id]);
    const held = debit();
    await until('all nodes have it', async () =>
      (await look('lease')).every(({ holders }) => holders.length === 1),
    );
    const leases = await look('lease');
    expect(leases.map(({ at }) => at)).toEqual(['redis node 1', 'redis node 2', 'redis node 3']);
    expect(new Set(leases.map(({ holders }) => holders[0]?.holder)).size).toBe(1);
    const holder = leases[0]?.holders[0]?.holder;
    expect((await release({ kind: 'lease', holder })).body).toMatchObject({ released: true });
    for (const { holders } of await look('lease')) expect(holders[0]?.holder).not.toBe(holder);
    await console.query('rollback');
    expect((await held).status).toBe(201);
  });
});

/** How an outsider takes the lock that the strategy takes. */
const byPostgres = [
  ['row-lock', 'row lock', lockRow],
  ['sequelize-row-lock', 'row lock', lockRow],
  ['table-lock', 'table lock', 'lock table gift_cards in share row exclusive mode'],
  [
    'advisory-transaction',
    'advisory lock',
    "select pg_advisory_xact_lock(hashtextextended('gift_cards/' || $1, 0))",
  ],
  [
    'advisory-session',
    'advisory lock',
    "select pg_advisory_lock(hashtextextended('gift_cards/' || $1, 0))",
  ],
] as const;

describe.each(byPostgres)('%s', async (strategy, kind, take) => {
  const edge = await opened(strategy);

  test(`shows the session that has the ${kind} and who waits; a release ends that session`, async () => {
    const { id, look, release, debit } = await cardOf(edge);
    expect((await look(kind))[0]).toMatchObject({ at: 'postgres', holders: [], waiters: [] });
    const console = await outsider(edge);
    await console.query('begin');
    await console.query(take, take.includes('$1') ? [id] : []);
    const alone = (await look(kind))[0];
    expect(alone?.holders.map(({ backend }) => backend)).toMatchObject([
      { pid: console.pid, application: 'console', state: 'idle in transaction' },
    ]);
    expect(alone?.waiters).toEqual([]);

    const waiting = [debit(), debit()];
    await until('both wait', async () => (await look(kind))[0]?.waiters.length === 2);
    const [lock] = await look(kind);
    expect(lock?.holders.map(({ backend }) => backend?.pid)).toEqual([console.pid]);
    for (const { backend, waitingMs } of lock?.waiters ?? [])
      expect({ backend, waitingMs }).toMatchObject({
        backend: { application: expect.stringMatching(/^lockstep/) },
        waitingMs: expect.any(Number),
      });

    const holder = lock?.holders[0]?.holder ?? '';
    const wrong = await release({ kind, holder: holder.replace('@', '@1') });
    expect([wrong.status, wrong.body.type]).toEqual([409, '/problems/lock-holder-changed']);
    expect((await look(kind))[0]?.holders[0]?.holder).toBe(holder);
    expect((await release({ kind, holder })).body).toMatchObject({ released: true });
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([201, 201]);
    expect((await release({ kind, holder })).body).toMatchObject({ released: false });
  });

  test('a lock that was given back leaves nothing to see', async () => {
    const { look, debit } = await cardOf(edge);
    expect((await debit()).status).toBe(201);
    expect((await look(kind))[0]).toMatchObject({ holders: [], waiters: [] });
  });
});

describe('the lock routes', async () => {
  const edge = await opened('row-lock');

  test('are for admins only, and take nothing but keys', async () => {
    const { route } = await cardOf(edge);
    expect((await ask(route)).status).toBe(401);
    expect((await post(`${route}/release`, {})).status).toBe(401);
    for (const key of ['gift_cards', 'gift_cards/x', "gift_cards/1'", 'Gift/1', 'a;b/1'])
      expect(
        (await ask(`${edge.url}/admin/locks/${encodeURIComponent(key)}`, { headers })).status,
      ).toBe(400);
    const unknown = await ask(`${edge.url}/admin/locks/no_such_table%2F1`, { headers });
    expect(unknown.status).toBe(200);
    expect(unknown.text).toContain('no such key');
    const free = await post(
      `${edge.url}/admin/locks/no_such_table%2F1/release`,
      { kind: 'row lock', holder: '1@2.3', by: 'a test', reason: 'to see' },
      { headers },
    );
    expect([free.status, free.body.released]).toEqual([200, false]);
  });

  test('want the holder, and who asks for what reason', async () => {
    const { route, release } = await cardOf(edge);
    const empty = await post(`${route}/release`, {}, { headers });
    expect(empty.status).toBe(400);
    const paths = Array.isArray(empty.body.issues) ? empty.body.issues.map(({ path }) => path) : [];
    expect(paths).toEqual(['kind', 'holder', 'by', 'reason']);
    const lease = await release({ kind: 'lease', holder: '0123456789abcdef' });
    expect([lease.status, lease.body.type]).toEqual([404, '/problems/lock-not-taken']);
    expect(edge.logged.filter(line => line.includes('"level":50'))).toEqual([]);
  });
});
