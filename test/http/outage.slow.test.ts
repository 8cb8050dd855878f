import { describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { committed, count, makeRequest, metricsPage } from './appointments.ts';
import { ownPostgres } from './own-postgres.ts';
import { ask, post, type Reply, sumOf } from './requests.ts';
import { type Ready, RunningService, servingService, startMaxMs } from './running-service.ts';

/** What clients of a running load have seen. */
class Load {
  readonly replies: Reply[] = [];
  readonly acknowledged: string[] = [];
  readonly #clients: Promise<unknown>;
  #stopped = false;

  constructor(urls: readonly string[], paths: readonly string[]) {
    const left = [...paths];
    const client = async (url: string): Promise<void> => {
      for (let path = left.pop(); path && !this.#stopped; path = left.pop())
        this.#take(await post(`${url}${path}`));
    };
    this.#clients = Promise.all(urls.map(client));
  }

  /** How often an answer had this status, or this problem type. */
  seen(what: number | string): number {
    return this.replies.filter(({ status, body }) => status === what || body.type === what).length;
  }

  /** No request may be left without an answer: a rejected one fails the test here. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#clients;
  }

  #take(reply: Reply): void {
    this.replies.push(reply);
    if (reply.status === 201) this.acknowledged.push(String(reply.body.commandId));
  }
}

async function pathsOf(url: string, requests: number): Promise<string[]> {
  const paths: string[] = [];
  for (let made = 0; made < requests; made += 1)
    paths.push(...(await makeRequest(url, 10)).accepts);
  return paths;
}

/** Each client of a load talks to one process. */
const clientsOf = (ready: Ready): string[] => ready.processes.flatMap(({ url }) => [url, url, url]);

describe('Postgres is killed under load', { timeout: 2 * startMaxMs }, async () => {
  const postgres = await ownPostgres();
  const { service, ready } = servingService({
    DATABASE_URL: postgres.url,
    PROCESSES: '2',
    CONNECT_TIMEOUT_MS: '400',
    DATABASE_CONNECTIONS: '4',
  });

  it('answers each request with its own problem, recovers, and loses nothing acknowledged', async () => {
    const load = new Load(clientsOf(ready()), await pathsOf(ready().url, 400));
    await until('the load runs', () => load.seen(201) >= 10);
    await postgres.kill();
    await until('it is told', () => load.seen('/problems/postgres-unavailable') >= 20);
    const health = await ask(`${ready().url}/readyz`);
    expect(health.status).toBe(503);
    expect(health.body.checks).toEqual({ postgres: 'unreachable' });
    expect((await ask(`${ready().url}/livez`)).status).toBe(200);
    await postgres.start();
    const before = load.seen(201);
    const more = new Load(clientsOf(ready()), await pathsOf(ready().url, 20));
    await until('it works again', () => load.seen(201) + more.seen(201) > before + 5);
    await Promise.all([load.stop(), more.stop()]);
    await until(
      'it is ready again',
      async () => (await ask(`${ready().url}/readyz`)).status === 200,
    );

    for (const reply of [...load.replies, ...more.replies]) {
      expect([201, 409, 503, 504]).toContain(reply.status);
      if (reply.status === 503) expect(reply.headers['retry-after']).toBe('1');
    }
    const acknowledged = [...load.acknowledged, ...more.acknowledged];
    expect(await committed(postgres.url, acknowledged)).toBe(acknowledged.length);
    const doubled = `select count(*)::integer as count from (
      select from appointments group by request_id having count(*) > 1) as doubled`;
    expect(await count(postgres.url, doubled)).toBe(0);
    const page = await metricsPage(ready().url);
    expect(sumOf(page, 'lockstep_commands_total', { outcome: 'failed' })).toBeGreaterThan(0);
    expect(
      service.lines.filter(line => line.includes('the live audit failed')).length,
    ).toBeLessThanOrEqual(2);
  });

  it('ends a start with a sentence and code 1 when Postgres is not there', async () => {
    await postgres.kill();
    const url = new URL(postgres.url);
    const late = new RunningService({ DATABASE_URL: url.href });
    expect(await late.ended()).toBe(1);
    expect(late.errors).toContain(`Postgres at ${url.host}`);
    expect(late.errors).toContain('DATABASE_URL');
    expect(late.errors).not.toContain(url.password);
    await postgres.start();
  });
});

describe('Redis is killed under load', { timeout: 2 * startMaxMs }, async () => {
  const [redis] = await ownRedisServers(1);
  const database = await freshDatabase();
  const { ready } = servingService({
    DATABASE_URL: database.url,
    REDIS_URL: redis?.url ?? '',
    STRATEGY: 'redis-lease',
    PROCESSES: '2',
    LEASE_MS: '4000',
  });

  it('answers each request with its own problem, recovers, and loses nothing acknowledged', async () => {
    const load = new Load(clientsOf(ready()), await pathsOf(ready().url, 300));
    await until('the load runs', () => load.seen(201) >= 10);
    await redis?.kill();
    await until('it is told', () => load.seen('/problems/redis-unavailable') >= 20);
    const health = await ask(`${ready().url}/readyz`);
    expect(health.status).toBe(503);
    expect(health.body.checks).toMatchObject({ redis: 'unreachable' });
    await redis?.start();
    await until(
      'it is ready again',
      async () => (await ask(`${ready().url}/readyz`)).status === 200,
    );
    const more = new Load(clientsOf(ready()), await pathsOf(ready().url, 10));
    await until('it works again', () => more.seen(201) >= 5);
    await Promise.all([load.stop(), more.stop()]);
    const acknowledged = [...load.acknowledged, ...more.acknowledged];
    expect(await committed(database.url, acknowledged)).toBe(acknowledged.length);
    for (const reply of load.replies)
      if (reply.status === 503) expect(reply.headers['retry-after']).toBe('1');
  });
});
