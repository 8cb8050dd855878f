import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { ask, post } from './requests.ts';
import { isAlive, RunningService, startMaxMs } from './running-service.ts';

const folder = await mkdtemp(join(tmpdir(), 'lockstep-start-'));
const [ownRedis] = await ownRedisServers(1);
const [clusterNode] = await ownRedisServers(1, `cluster-enabled yes\ndir ${folder}`);
const services: RunningService[] = [];
afterAll(async () => {
  await Promise.all(services.map(service => service.stop()));
  await rm(folder, { recursive: true });
});

function start(environment: Record<string, string>): RunningService {
  const service = new RunningService(environment);
  services.push(service);
  return service;
}

describe('a start', { timeout: 2 * startMaxMs }, () => {
  it('tells what is wrong with configuration and strategies at once, and ends with 2', async () => {
    const file = join(folder, 'my-lock.mjs');
    await writeFile(file, 'export default { title: "mine", store: "mysql" };');
    const service = start({ PROCESSES: '0', WAIT_MS: 'x', STRATEGY_FILES: file });
    expect(await service.ended()).toBe(2);
    for (const what of [
      'PROCESSES is "0"',
      'WAIT_MS is "x"',
      `${file}: store:`,
      `${file}: wording:`,
    ])
      expect(service.errors).toContain(what);
    expect(service.lines).toEqual([]);
  });

  it('lists the strategies where STRATEGY names none of them', async () => {
    const service = start({ STRATEGY: 'nothing' });
    expect(await service.ended()).toBe(2);
    expect(service.errors).toMatch(/STRATEGY is 'nothing'.* use one of .*row-lock/);
  });

  it('refuses a Redis strategy on a given Postgres without a given Redis', async () => {
    const DATABASE_URL = testServers().postgresUrl;
    const lease = start({ DATABASE_URL, STRATEGY: 'redis-lease' });
    const redlock = start({ DATABASE_URL, STRATEGY: 'redlock' });
    expect([await lease.ended(), await redlock.ended()]).toEqual([2, 2]);
    expect(lease.errors).toMatch(/REDIS_URL is not set.*set it to/);
    expect(redlock.errors).toMatch(/REDIS_NODES is not set.*set it to/);
  });

  it('pooler-unsafe-strategy: refuses a session lock behind a pooler in transaction mode', async () => {
    const pooled = { DATABASE_URL: testServers().postgresUrl, DATABASE_POOLER: 'transaction' };
    const one = start({ ...pooled, STRATEGY: 'advisory-session' });
    const both = start({ ...pooled, STRATEGY: 'both:row-lock+advisory-session' });
    expect([await one.ended(), await both.ended()]).toEqual([2, 2]);
    for (const { errors } of [one, both]) expect(errors).toMatch(/DATABASE_POOLER.*session lock/);
  });

  it('refuses an even number of Redis nodes, and two strategies that cannot be composed', async () => {
    const DATABASE_URL = testServers().postgresUrl;
    const even = start({ DATABASE_URL, REDIS_NODES: 'redis://127.0.0.1:1,redis://127.0.0.1:2' });
    const pair = start({ DATABASE_URL, STRATEGY: 'both:row-lock+serializable' });
    expect([await even.ended(), await pair.ended()]).toEqual([2, 2]);
    expect(even.errors).toMatch(/REDIS_NODES.*an odd number.*the votes can split in half/);
    expect(pair.errors).toMatch(/STRATEGY is 'both:row-lock\+serializable'.*snapshot/);
  });

  it('lock-evicted: warns of a Redis that may evict locks, and serves two strategies at once', async () => {
    const { url, drop } = await freshDatabase('template0', 'caller drops');
    if (!ownRedis) throw new Error('there is no Redis of our own');
    const redis = ownRedis;
    await redis.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const service = start({
      DATABASE_URL: url,
      REDIS_URL: redis.url,
      STRATEGY: 'both:row-lock+redis-lease',
    });
    const { url: served } = await service.ready();
    expect((await ask(served)).body).toMatchObject({ strategy: 'both:redis-lease+row-lock' });
    const host = new URL(redis.url).host;
    const warning = service.lines.find(line => line.includes('allkeys-lru'));
    expect(warning).toContain(`Redis at ${host}: maxmemory-policy is allkeys-lru`);
    expect(await service.stop()).toBe(0);
    expect(service.lines.join()).not.toContain(new URL(redis.url).password);
    await drop();
  });

  it('refuses a database that takes no changes, with what to do', async () => {
    const { url, name, drop } = await freshDatabase('template0', 'caller drops');
    const admin = new pg.Client({ connectionString: testServers().postgresUrl });
    await admin.connect();
    await admin.query(`alter database ${name} set default_transaction_read_only = on`);
    await admin.end();
    const service = start({ DATABASE_URL: url });
    expect(await service.ended()).toBe(1);
    expect(service.errors).toContain(`at ${new URL(url).host}/${name} cannot be migrated`);
    expect(service.errors).toContain('it is read-only; set default_transaction_read_only to off');
    await drop();
  });

  it('refuses a node of a Redis Cluster that the strategy needs, and warns of another', async () => {
    const { url, drop } = await freshDatabase('template0', 'caller drops');
    const given = { DATABASE_URL: url, REDIS_URL: clusterNode?.url ?? '' };
    const refused = start({ ...given, STRATEGY: 'redis-lease' });
    expect(await refused.ended()).toBe(1);
    const { host, password } = new URL(given.REDIS_URL);
    expect(refused.errors).toContain(`Redis at ${host}: it is a node of a Redis Cluster`);
    expect(refused.errors).toContain('name a Redis that is no part of a cluster');
    expect(refused.errors).not.toContain(password);
    const served = start(given);
    await served.ready();
    expect(served.lines.some(line => line.includes('is a node of a Redis Cluster'))).toBe(true);
    await served.stop();
    await drop();
  });

  it('refuses a limit of open files that leaves no connections', async () => {
    const service = new RunningService(
      { DATABASE_URL: testServers().postgresUrl, DATABASE_CONNECTIONS: '200' },
      { openFiles: 300 }, // with far fewer Node cannot even load its modules
    );
    services.push(service);
    const code = await service.ended();
    expect(code, service.errors).toBe(2);
    expect(service.errors).toMatch(/may open 300 files here.*raise the limit \(ulimit -n\)/);
  });

  it('says so when the port is taken, and leaves no process', async () => {
    const { url } = await freshDatabase('template0', 'caller drops');
    const taken = createServer();
    const port = await new Promise<number>(resolve => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
    const service = start({ DATABASE_URL: url, PORT: String(port) });
    expect(await service.ended()).toBe(1);
    expect(service.errors).toContain('EADDRINUSE');
    expect(service.errors).toContain(String(port));
    taken.close();
  });

  it('without any URL brings servers of its own, and takes them with it', async () => {
    const service = start({ STRATEGY: 'unique-slots' });
    const { url, processes } = await service.ready();
    expect(service.lines.some(line => line.includes('PostgreSQL'))).toBe(true);
    expect((await ask(url)).body).toMatchObject({ name: 'lockstep', strategy: 'unique-slots' });
    const transfer = await post(`${url}/campaigns/1/claims`);
    expect(transfer.status).toBe(501);
    expect(transfer.body).toMatchObject({ type: '/problems/scenario-not-offered' });
    expect(transfer.body.detail).toContain('numbered slots');
    expect(await service.stop()).toBe(0);
    for (const { pid } of processes) expect(isAlive(pid)).toBe(false);
  });
});
