import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/http/log.ts';
import { postgresPlace, postgresPlaces } from '../../src/store/postgres-url.ts';
import { redisAddress, redisPlace } from '../../src/store/redis-url.ts';
import { parseStoreUrl } from '../../src/store-url.ts';

describe('DATABASE_URL', () => {
  test.each([
    ['postgres://u:p@db:6543/booking', ['db:6543'], 'booking', false],
    ['postgresql://db/booking?sslmode=verify-full', ['db'], 'booking', false],
    ['postgresql:///booking?host=/run/postgresql', ['/run/postgresql'], 'booking', false],
    ['postgresql://u@/booking?host=/run/pg&port=5433', ['[/run/pg]:5433'], 'booking', false],
    [
      'postgres://u:p@a:1,b,[::1]:3/x?target_session_attrs=read-write',
      ['a:1', 'b', '[::1]:3'],
      'x',
      true,
    ],
    ['postgres://a/x?target_session_attrs=primary', ['a'], 'x', true],
    ['postgres:///x?host=a,b&port=1,2&target_session_attrs=read-write', ['a:1', 'b:2'], 'x', true],
  ])('%s', (url, names, database, readWrite) => {
    const places = postgresPlaces(url);
    expect(places?.hosts.map(({ name }) => name)).toEqual(
      names.map(name => name.replace(/^\[(\/.*)\]/, '$1')),
    );
    expect(places).toMatchObject({ database, readWrite });
    expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test.each([
    ['several hosts of which any would do', 'postgres://a,b/x'],
    ['a target that only reads', 'postgres://a,b/x?target_session_attrs=read-only'],
    ['no host at all', 'postgres:///x'],
    [
      'another port count than hosts',
      'postgres:///x?host=a,b,c&port=1,2&target_session_attrs=read-write',
    ],
    ['a port out of range', 'postgres://a:70000,b/x?target_session_attrs=read-write'],
    ['nine hosts', `postgres://${'a,'.repeat(8)}a/x?target_session_attrs=read-write`],
    ['a broken escape', 'postgres://u:100%@a,b/x?target_session_attrs=read-write'],
  ])('is refused with %s', (_, url) => {
    expect(() => readConfig({ DATABASE_URL: url })).toThrow(
      /DATABASE_URL is invalid; expected .*target_session_attrs=read-write/,
    );
  });
});

describe('REDIS_URL', () => {
  test.each([
    ['redis://u:p@r:1', 'server', 'r:1'],
    ['redis+unix:///run/redis.sock?db=2', 'socket', '/run/redis.sock'],
    ['unix://u:p@/run/redis.sock', 'socket', '/run/redis.sock'],
    ['redis+sentinel://:p@a,b:2/locks/3', 'sentinel', 'locks by sentinels a, b:2'],
    ['rediss+cluster://a:1,b:2', 'cluster', 'the cluster of a:1, b:2'],
  ])('%s', (url, kind, place) => {
    expect(redisAddress(url)).toMatchObject({ kind, place });
    expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  });

  test('of sentinels has all its parts', () => {
    expect(
      redisAddress(
        'rediss+sentinel://u:p%40@a,b:2/locks/3?sentinel_username=s&sentinel_password=x%2F',
      ),
    ).toMatchObject({
      tls: true,
      username: 'u',
      password: 'p@',
      db: 3,
      hosts: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 2 },
      ],
      primary: 'locks',
      sentinelUsername: 's',
      sentinelPassword: 'x/',
    });
  });

  test.each([
    ['sentinels without the name of the primary', 'redis+sentinel://a,b'],
    ['a second logical database of a cluster', 'redis+cluster://a/1'],
    ['several hosts without sentinels', 'redis://a,b'],
    ['a socket that is none', 'redis+unix://host/path'],
    ['a broken escape', 'redis+sentinel://:%ff@a/locks'],
  ])('is refused with %s', (_, url) => {
    expect(() => readConfig({ REDIS_URL: url })).toThrow(
      /REDIS_URL is invalid; expected .*redis\+sentinel/,
    );
  });

  test('nodes of Redlock are servers, each by itself', () => {
    const nodes = 'redis://a,redis://b,redis+sentinel://c/locks';
    expect(() => readConfig({ REDIS_NODES: nodes })).toThrow(/REDIS_NODES is invalid/);
  });
});

test('no place and no log tells a secret', () => {
  const config = readConfig({
    DATABASE_URL: 'postgres://user:s3cret%2Fone@a,b/x?target_session_attrs=read-write',
    REDIS_URL: 'redis+sentinel://user:s3cret%40two@a/locks?sentinel_password=s3cret%20three',
  });
  const { databaseUrl = '', redisUrl = '' } = config;
  expect(postgresPlace(databaseUrl) + redisPlace(redisUrl)).not.toContain('s3cret');
  let line = '';
  const log = createLog(config, { write: (text: string) => (line += text) });
  log.warn(
    `${databaseUrl} ${redisUrl} s3cret/one s3cret@two s3cret three ${encodeURIComponent('s3cret three')}`,
  );
  expect(line).not.toContain('s3cret');
  expect(line).toContain('[redacted]');
});

test('whatever stands in a URL is given back, or nothing', () => {
  expect(parseStoreUrl('redis://u%3A:p%3A%2F@h:1/x?y=%26', ['redis'])).toMatchObject({
    username: 'u:',
    password: 'p:/',
    hosts: [{ host: 'h', port: 1 }],
    path: '/x',
  });
  expect(parseStoreUrl('postgres://h', ['redis'])).toBeUndefined();
});
