import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { certificates } from '../fixtures/certificates.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { ownPostgres } from './own-postgres.ts';
import { post } from './requests.ts';
import { RunningService, startMaxMs } from './running-service.ts';

/** The service on stores that want TLS, a password and permissions, or that are at a Unix socket. */
const tls = await certificates();
const folder = await mkdtemp(join(tmpdir(), 'lockstep-sockets-'));
await chmod(folder, 0o777);
const postgres = await ownPostgres();
const [redis] = await ownRedisServers(1, `unixsocket ${folder}/redis.sock\nunixsocketperm 777\n`);
const tlsPort = await freeTlsPort();
const services: RunningService[] = [];
afterAll(async () => {
  await Promise.all(services.map(service => service.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function freeTlsPort(): Promise<number> {
  const { freePort } = await import('../../src/services/index.ts');
  const port = await freePort();
  for (const [name, value] of [
    ['tls-cert-file', tls.cert],
    ['tls-key-file', tls.key],
    ['tls-ca-cert-file', tls.ca],
    ['tls-auth-clients', 'no'],
    ['tls-port', String(port)],
  ] as const)
    await redis?.admin.config('SET', name, value);
  return port;
}

async function onPostgres(...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

await onPostgres(
  `alter system set ssl_cert_file = '${tls.cert}'`,
  `alter system set ssl_key_file = '${tls.key}'`,
  "alter system set ssl = 'on'",
  `alter system set unix_socket_directories = '${folder}'`,
);
await postgres.kill();
await postgres.start();

function start(environment: Record<string, string>): RunningService {
  const service = new RunningService({ STRATEGY: 'redis-lease', ...environment });
  services.push(service);
  return service;
}

function withParams(url: string, params: Record<string, string>): string {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(params)) changed.searchParams.set(name, value);
  return changed.href;
}

const verified = withParams(postgres.url, { sslmode: 'verify-full', sslrootcert: tls.ca });
const password = redis?.password ?? '';
const redisUrl = redis?.url ?? '';
const redisTls = `rediss://:${password}@localhost:${tlsPort}`;

async function debited(url: string, strategy = ''): Promise<number> {
  const card = await post(`${url}/gift-cards`, { initialCents: 10 });
  const headers = strategy === '' ? {} : { 'lock-strategy': strategy };
  const path = `${url}/gift-cards/${String(card.body.id)}/debits`;
  return (await post(path, { amountCents: 1 }, { headers })).status;
}

describe('TLS', { timeout: 3 * startMaxMs }, () => {
  it('guards every connection to both stores, Sequelize’s too', async () => {
    const service = start({
      DATABASE_URL: verified,
      REDIS_URL: redisTls,
      NODE_EXTRA_CA_CERTS: tls.ca,
      ALLOW_STRATEGY_HEADER: '1',
    });
    const { url } = await service.ready();
    for (const strategy of [
      'redis-lease',
      'redis-lease-queued',
      'sequelize-row-lock',
      'advisory-session',
    ])
      expect([strategy, await debited(url, strategy)]).toEqual([strategy, 201]);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query(
      `select application_name as name, ssl from pg_stat_ssl join pg_stat_activity using (pid)
       where application_name like 'lockstep%'`,
    );
    await client.end();
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['lockstep', 'lockstep sequelize', 'lockstep locks']),
    );
    expect(rows.filter(({ ssl }) => ssl !== true)).toEqual([]);
    expect(await redis?.admin.client('LIST')).toMatch(/laddr=127.0.0.1:\d+/);
  });

  it.each([
    [
      'the certificate of Redis is by nobody who is known',
      { REDIS_URL: redisTls, NODE_EXTRA_CA_CERTS: tls.otherCa },
      /REDIS_URL: Redis at localhost:\d+ cannot be used: its certificate is not signed by a CA that is known here .*NODE_EXTRA_CA_CERTS=/,
    ],
    [
      'the certificate of Postgres is',
      {
        DATABASE_URL: withParams(postgres.url, {
          sslmode: 'verify-full',
          sslrootcert: tls.otherCa,
        }),
      },
      /Postgres at .* cannot be used: its certificate is not signed by a CA that is known here .*sslrootcert=/,
    ],
    [
      'the file of the CA is not there',
      {
        DATABASE_URL: withParams(postgres.url, {
          sslmode: 'verify-full',
          sslrootcert: '/nowhere/ca.pem',
        }),
      },
      /Postgres at .* cannot be used: .*\/nowhere\/ca.pem/,
    ],
    [
      'the password of Redis is wrong',
      { REDIS_URL: `redis://:wrong-password@127.0.0.1:${redis?.port}` },
      /REDIS_URL: Redis at 127.0.0.1:\d+ refuses the user or the password in the URL \(WRONGPASS/,
    ],
    [
      'there is no password for Redis',
      { REDIS_URL: `redis://127.0.0.1:${redis?.port}` },
      /REDIS_URL: .* refuses the user or the password in the URL \(NOAUTH/,
    ],
    [
      'the password of Postgres is wrong',
      { DATABASE_URL: Object.assign(new URL(postgres.url), { password: 'wrong-password' }).href },
      /Postgres at .* cannot be used: password authentication failed/,
    ],
  ])('a start where %s ends with a sentence', async (_, environment, sentence) => {
    const service = start({ DATABASE_URL: postgres.url, REDIS_URL: redisUrl, ...environment });
    expect(await service.ended()).toBe(1);
    expect(service.errors).toMatch(sentence);
    expect(service.errors).not.toContain('wrong-password');
    expect(service.errors).not.toContain(password);
  });
});

describe('a user of Redis with permissions of its own', { timeout: 3 * startMaxMs }, () => {
  const user = async (rules: string): Promise<string> => {
    await redis?.admin.acl(
      'SETUSER',
      'booking',
      'reset',
      'on',
      '>a-booking-password',
      ...rules.split(' '),
    );
    return `redis://booking:a-booking-password@127.0.0.1:${redis?.port}`;
  };

  it('needs those that the documents name, and no more', async () => {
    const { neededPermissions } = await import('../../src/http/lock-store-check.ts');
    const REDIS_URL = await user(neededPermissions);
    await redis?.admin.acl('LOG', 'RESET');
    for (const STRATEGY of ['redis-lease', 'redis-lease-queued', 'redis-lease-fenced']) {
      const service = start({ DATABASE_URL: postgres.url, REDIS_URL, STRATEGY });
      expect(await debited((await service.ready()).url)).toBe(201);
      await service.stop();
    }
    const log: unknown = await redis?.admin.acl('LOG');
    const entries = Array.isArray(log) ? log.map(entry => [entry].flat().map(String)) : [];
    const denied = entries.map(words => words[words.indexOf('object') + 1]);
    // asked for a warning only
    expect(denied.filter(what => what !== 'config|get' && what !== 'config')).toEqual([]);
  });

  it.each([
    ['may not run scripts', 'redis-lease', '~lockstep:* +@all -eval -evalsha', /NOPERM.*evalsha/],
    ['has other keys', 'redis-lease', '~booking:* +@all', /NOPERM/],
    ['may not prolong', 'redis-lease', '~lockstep:* +@all -pexpire', /pexpire|permission/i],
    ['may not listen', 'redis-lease-queued', '~lockstep:* +@all', /NOPERM.*channel/],
    [
      'may not wake others',
      'redis-lease-queued',
      '~lockstep:* &lockstep:* +@all -publish',
      /publish|permission/i,
    ],
  ])('is refused at the start where it %s', async (_, STRATEGY, rules, said) => {
    const service = start({ DATABASE_URL: postgres.url, REDIS_URL: await user(rules), STRATEGY });
    expect(await service.ended()).toBe(1);
    expect(service.errors).toMatch(
      /REDIS_URL: Redis at .* denies its user what the strategy needs/,
    );
    expect(service.errors).toMatch(said);
    expect(service.errors).toContain('~lockstep:*');
    // a user that may not give back leaves the key for as long as its lease, 0.3 s
    await until('nothing is left', async () => {
      return (await redis?.admin.keys('lockstep:*startup*'))?.length === 0;
    });
  });
});

describe('Unix sockets', { timeout: 2 * startMaxMs }, () => {
  it('lead to both stores', async () => {
    await Promise.all(services.map(service => service.stop())); // they are connected by TCP
    const { username, password: secret, port } = new URL(postgres.url);
    const service = start({
      DATABASE_URL: `postgresql://${username}:${secret}@/postgres?host=${folder}&port=${port}`,
      REDIS_URL: `redis+unix://:${password}@${folder}/redis.sock`,
      ALLOW_STRATEGY_HEADER: '1',
    });
    const { url } = await service.ready();
    for (const strategy of [
      'redis-lease',
      'redis-lease-queued',
      'sequelize-row-lock',
      'advisory-session',
    ])
      expect([strategy, await debited(url, strategy)]).toEqual([strategy, 201]);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query(
      `select distinct client_addr from pg_stat_activity where application_name like 'lockstep%'`,
    );
    await client.end();
    expect(rows).toEqual([{ client_addr: null }]);
  });
});
