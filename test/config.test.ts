import { delimiter, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, variableNames } from '../src/config.ts';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('stands without any variable', () => {
    expect(readConfig({})).toMatchObject({
      databaseUrl: undefined,
      host: '127.0.0.1',
      port: 3_000,
      processes: 1,
      strategy: 'row-lock',
      allowStrategyHeader: false,
      pooler: false,
      strategyFiles: [],
      redisNodeUrls: [],
      tuning: { waitMs: 5_000, leaseMs: 10_000, extendLease: true, attemptsMax: 10 },
    });
  });

  it('reads every variable', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://u:p@db:5432/booking',
      DATABASE_POOLER: 'transaction',
      DATABASE_CONNECTIONS: '7',
      LOCK_CONNECTIONS: '3',
      WAITERS_PER_KEY: '20',
      COMMANDS_MAX: '30',
      HTTP_CONNECTIONS: '500',
      CONNECT_TIMEOUT_MS: '250',
      REDIS_URL: 'redis://r:6379',
      REDIS_NODES: 'redis://a:1, redis://b:2 ,redis://c:3',
      HOST: '0.0.0.0',
      PORT: '8080',
      PROCESSES: '4',
      LAME_DUCK_MS: '1500',
      STUCK_MS: '0',
      STRATEGY: 'redis-lease',
      STRATEGY_FILES: ['./a.ts', '/b.ts'].join(delimiter),
      ALLOW_STRATEGY_HEADER: '1',
      WAIT_MS: '100',
      LEASE_MS: '200',
      EXTEND_LEASE: '0',
      ATTEMPTS_MAX: '5',
      ROLLOUTS: '1',
      ROLLOUT_PAUSE_MS: '50',
      ADMIN_TOKEN: 'a token of 16 characters',
      LOG_LEVEL: 'debug',
      IDEMPOTENCY_HOURS: '2',
    });
    expect(config).toEqual({
      databaseUrl: 'postgres://u:p@db:5432/booking',
      pooler: true,
      connectionsMax: 7,
      lockConnectionsMax: 3,
      waitersPerKey: 20,
      commandsMax: 30,
      connectTimeoutMs: 250,
      httpConnectionsMax: 500,
      lameDuckMs: 1_500,
      stuckMs: 0,
      redisUrl: 'redis://r:6379',
      redisNodeUrls: ['redis://a:1', 'redis://b:2', 'redis://c:3'],
      host: '0.0.0.0',
      port: 8_080,
      processes: 4,
      strategy: 'redis-lease',
      strategyFiles: [resolve('a.ts'), '/b.ts'],
      allowStrategyHeader: true,
      tuning: { waitMs: 100, leaseMs: 200, extendLease: false, attemptsMax: 5 },
      idempotencyKeptMs: 7_200_000,
      rollouts: true,
      rolloutPauseMs: 50,
      adminToken: 'a token of 16 characters',
      logLevel: 'debug',
    });
  });

  it('takes an empty variable as unset', () => {
    const empty = Object.fromEntries(variableNames.map(name => [name, '']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  it('reports all problems at once, each with the variable and the expected value', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://u:topsecret@db/x',
      DATABASE_POOLER: 'session',
      DATABASE_CONNECTIONS: '0',
      LOCK_CONNECTIONS: '-1',
      WAITERS_PER_KEY: '-1',
      COMMANDS_MAX: '0',
      HTTP_CONNECTIONS: '0',
      CONNECT_TIMEOUT_MS: '0',
      REDIS_URL: 'topsecret',
      REDIS_NODES: 'redis://:topsecret@a:1,redis://b:2',
      HOST: 'a b',
      PORT: '99999',
      PROCESSES: 'many',
      LAME_DUCK_MS: '-1',
      STUCK_MS: '999',
      STRATEGY: '../x',
      ALLOW_STRATEGY_HEADER: 'yes',
      WAIT_MS: '1.5',
      LEASE_MS: '1',
      EXTEND_LEASE: 'no',
      ATTEMPTS_MAX: '1000',
      IDEMPOTENCY_HOURS: '0',
      ROLLOUTS: 'yes',
      ROLLOUT_PAUSE_MS: '0',
      ADMIN_TOKEN: 'topsecret',
      LOG_LEVEL: 'loud',
    });
    const named = problems.map(problem => problem.split(' ')[0]);
    const faultless = ['STRATEGY_FILES', 'COMMAND_HISTORY']; // any text is a path
    expect(named).toEqual(variableNames.filter(name => !faultless.includes(name)));
    for (const problem of problems) expect(problem).toMatch(/; expected /);
    expect(problems.join('\n')).toContain(
      'PORT is "99999"; expected a whole number from 0 to 65535',
    );
  });

  it.each([
    ['DATABASE_URL', 'postgres://u:100%@h/d'],
    ['DATABASE_URL', 'postgres://u:p@h/%ff'],
    ['DATABASE_URL', 'postgres://u:p@h/d?application_name=%f'],
    ['REDIS_URL', 'redis://u%zz:p@h:6379'],
    ['REDIS_NODES', 'redis://a:1,redis://:%ff@b:2,redis://c:3'],
  ])('refuses a percent escape in %s that no client can decode: %s', (name, text) => {
    expect(problemsOf({ [name]: text })).toEqual([
      expect.stringContaining('% in it written as %25'),
    ]);
    const mended = text.replace(/%(?=.)(?!25)/g, '%25').replace('100%@', '100%25@');
    expect(problemsOf({ [name]: mended })).toEqual([]);
  });

  it.each([
    ['DATABASE_URL', 'http://user:topsecret@host/x'],
    ['REDIS_URL', 'http://user:topsecret@host/x'],
    ['REDIS_NODES', 'http://user:topsecret@host/x'],
    ['ADMIN_TOKEN', 'topsecret'],
  ])('never repeats the text of %s', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain('topsecret');
  });

  it.each([
    ['two nodes: votes can be even', 'redis://a:1,redis://b:2'],
    ['one node', 'redis://a:1'],
    ['four nodes', 'redis://a:1,redis://b:2,redis://c:3,redis://d:4'],
    ['one node three times', 'redis://a:1,redis://a:1,redis://a:1'],
  ])('even-quorum: refuses %s', (_why, nodes) => {
    expect(problemsOf({ REDIS_NODES: nodes })).toHaveLength(1);
  });

  it('refuses a PORT that leaves no port for each process', () => {
    expect(problemsOf({ PORT: '65535', PROCESSES: '1' })[0]).toMatch(
      /PORT \+ PROCESSES.*use a lower PORT/,
    );
    expect(problemsOf({ PORT: '65534', PROCESSES: '1' })).toEqual([]);
    expect(problemsOf({ PORT: '65535', PROCESSES: '1', WAIT_MS: 'x' })).toHaveLength(2);
  });
});
