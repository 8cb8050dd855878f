import { describe, expect, test } from 'vitest';
import { ConfigError, checkConfig } from '../../src/explore/config-check.ts';
import type { Subject } from '../../src/explore/explore.ts';

const act = async () => 'done';
const right = {
  title: 'two callers',
  setup: 'create table t (id int)',
  audit: 'select 1 where false',
  actors: { ann: act, bob: act },
};
const servers = { pgUrl: 'postgres://postgres@127.0.0.1:5432/postgres' };

/** What is said of a config that no compiler has seen. */
function complaint(wrong: object, options: object = {}): string {
  try {
    checkConfig({ ...right, ...wrong } as Subject, { servers, ...options });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('a config is checked before anything runs:', () => {
  test('a right one has no complaint', () => {
    const program = { command: ['psql', '-f', 'job.sql'], cwd: '/', env: { A: '1' } };
    const request = { method: 'PUT', path: '/seats/1', headers: { a: 'b' }, body: '{}' };
    expect(complaint({})).toBe('nothing');
    expect(complaint({ actors: { a: program, b: { service: program, request } } })).toBe('nothing');
    expect(
      complaint({ events: ['crash'], preemptions: 'unbounded', refusals: ['40001', /^4/] }),
    ).toBe('nothing');
    expect(complaint({ expect: 'independent', identical: [['ann', 'bob']] })).toBe('nothing');
    expect(complaint({ title: undefined, preemptions: 0, secondsMax: 0.5 })).toBe('nothing');
  });

  const cases: readonly (readonly [object, string])[] = [
    [{ preemtions: 2 }, "unknown key 'preemtions' (did you mean 'preemptions'?)"],
    [
      { leases: [{ nam: 'x', held: 'select 1', end: 'select 1' }] },
      "leases[0]: unknown key 'nam' (did you mean 'name'?)",
    ],
    [{ leases: [{ name: 'x', end: 'select 1' }] }, "leases[0]: 'held' is missing"],
    [{ preemptions: 'two' }, "preemptions: expected a whole number ≥ 0, or 'unbounded', got 'two'"],
    [{ preemptions: -1 }, "preemptions: expected a whole number ≥ 0, or 'unbounded', got -1"],
    [{ preemptions: 1.5 }, "preemptions: expected a whole number ≥ 0, or 'unbounded', got 1.5"],
    [{ eventsMax: Number.NaN }, 'eventsMax: expected a whole number ≥ 0, got NaN'],
    [{ secondsMax: '60' }, "secondsMax: expected a number ≥ 0, got '60'"],
    [{ stepsMax: 0 }, 'stepsMax: expected a whole number ≥ 1, got 0'],
    [{ phases: 'no' }, "phases: expected true or false, got 'no'"],
    [{ audit: undefined }, "'audit' is missing"],
    [{ audit: '  ' }, "audit: expected SQL, or a function that gives it, got '  '"],
    [{ setup: undefined }, "'setup' is missing"],
    [{ actors: {} }, 'actors: expected at least two callers, got none'],
    [{ actors: [act, act] }, 'actors: expected an object, got a list'],
    [{ actors: { a: 'psql' } }, 'actors.a: expected a function, { command: […] } or'],
    [
      { actors: { a: { comand: ['psql'] }, b: act } },
      "actors.a: unknown key 'comand' (did you mean 'command'?)",
    ],
    [{ actors: { a: { command: [] } } }, 'actors.a.command: expected a program'],
    [
      { actors: { a: { command: 'psql' } } },
      "actors.a.command: expected a list of texts, got 'psql'",
    ],
    [{ actors: { a: { cwd: '/' } } }, "actors.a: 'command' is missing"],
    [
      { actors: { a: { service: { command: ['node'] }, request: { path: 'seats' } } } },
      "actors.a.request.path: expected a path that begins with '/', got 'seats'",
    ],
    [{ actors: { a: { service: { command: ['node'] } } } }, "actors.a: 'request' is missing"],
    [{ events: ['crsh'] }, "events[0]: no event 'crsh' (did you mean 'crash'?)"],
    [{ events: 'crash' }, "events: expected a list of events, got 'crash'"],
    [{ identical: [['ann', 'bop']] }, "identical: no actor 'bop' (did you mean 'bob'?)"],
    [
      { expect: 'independant' },
      "expect: no expectation 'independant' (did you mean 'independent'?)",
    ],
    [{ refusals: [''] }, "refusals[0]: expected a text that is not empty, or a pattern, got ''"],
    [{ random: { schedules: 10 } }, "random: 'seed' is missing"],
  ];
  test.each(cases)('%o', (wrong, said) => {
    expect(complaint(wrong)).toContain(said);
  });

  test('more callers than there are letters', () => {
    const many = Object.fromEntries(Array.from({ length: 27 }, (_, at) => [`a${at}`, act]));
    expect(complaint({ actors: many })).toContain('expected at most 26 callers, got 27');
  });

  test('servers that are not named', () => {
    expect(complaint({}, { servers: { pgUrl: '' } })).toContain('servers.pgUrl: expected a URL');
    expect(complaint({}, { servers: undefined })).toContain("'servers' is missing");
    const redisUrls = ['rediss://127.0.0.1:6379'];
    expect(complaint({}, { servers: { ...servers, redisUrls } })).toContain(
      'servers.redisUrls[0]: the gates speak no TLS',
    );
    expect(complaint({}, { servers: { ...servers, redisUrl: 'redis://h' } })).toContain(
      "servers: unknown key 'redisUrl' (did you mean 'redisUrls'?)",
    );
  });

  test('several mistakes are told at once', () => {
    const said = complaint({ audti: 'x', audit: undefined, preemptions: 'two' });
    expect(said.split('\n')).toHaveLength(4);
    expect(said).toMatch(
      /^mistakes in the config:\n- unknown key 'audti' \(did you mean 'audit'\?\)/,
    );
  });

  test('a program that is known only when it starts is not asked for', () => {
    const later = {
      get command(): never {
        throw new Error('not yet');
      },
    };
    expect(complaint({ actors: { a: later, b: later } })).toBe('nothing');
  });
});
