import { describe, expect, test } from 'vitest';
import { searchFailed, setupFailed } from '../../src/explore/failed.ts';
import { NotPutBack } from '../../src/explore/run/not-put-back.ts';
import { Unjudged } from '../../src/explore/run/unjudged.ts';
import { Nondeterministic } from '../../src/explore/search/point.ts';
import { UnsupportedWire } from '../../src/explore/wire/postgres-unit.ts';

const coded = (code: string, message = ''): Error => Object.assign(new Error(message), { code });

describe('a search that broke off is blamed on', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['chance', new Nondeterministic('A'), 'nondeterministic', /lives on outside the databases/],
    [
      'a key that ran out, where orders differ since',
      new Error('the Redis key lock ran out', { cause: new Nondeterministic('A') }),
      'inconclusive',
      /`lease-expires`/,
    ],
    ['a client', new UnsupportedWire('MONITOR'), 'inconclusive', /connect without TLS/],
    ['a server that is gone', coded('ECONNRESET'), 'inconclusive', /check the log of that server/],
    ['one that shut down', coded('57P01'), 'inconclusive', /check the log of that server/],
    ['one, by its words', new Error('Connection terminated'), 'inconclusive', /log of that server/],
    ['a stranger', new NotPutBack('locked'), 'inconclusive', /undo in `reset`/],
    ['the config', new Unjudged('`check` failed'), 'setup-failed', /correct it in the config/],
    ['the explorer', new Error('a bug'), 'internal-error', /report it/],
  ])('%s', (_, error, outcome, advice) => {
    expect(searchFailed(error)).toMatchObject({ outcome, advice: expect.stringMatching(advice) });
  });

  test('the explorer with its stack, and with what caused it', () => {
    const { cause } = searchFailed(new Error('above', { cause: new TypeError('below') }));
    expect(cause).toMatch(/^Error: above\n +at .*\ncaused by TypeError: below\n +at /s);
  });
});

describe('a setup that failed tells', () => {
  test.each([
    ['ECONNREFUSED', 'start that server'],
    ['ENOTFOUND', 'start that server'],
    ['28P01', 'the user or the password'],
    ['42501', 'the right that is missing'],
    ['42601', 'correct `setup`'],
    ['EXOTIC', 'correct what it names'],
  ])('%s: %s', (code, advice) => {
    const outer = new Error('the rows cannot be copied', { cause: coded(code, 'inner') });
    for (const error of [coded(code, 'inner'), outer]) {
      expect(setupFailed(error).advice).toContain(advice);
    }
    expect(setupFailed(outer).why).toBe('the rows cannot be copied: inner');
  });

  test('each of several attempts to connect, which Node leaves without words', () => {
    const attempts = [coded('ECONNREFUSED', 'at ::1'), coded('ECONNREFUSED', 'at 127.0.0.1')];
    expect(setupFailed(new AggregateError(attempts)).why).toBe('at ::1, at 127.0.0.1');
  });
});
