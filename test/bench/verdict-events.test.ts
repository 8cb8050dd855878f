import { describe, expect, test } from 'vitest';
import { eventsOf } from '../../bench/lab/verdict.ts';

describe('events', () => {
  const quiet = {
    processes: 1,
    effectsWithoutRecord: 0,
    leasesLost: 0,
    releases: { released: 10 },
    failures: { 'turn-refused': 3 },
  };

  test.each([
    ['nothing happened', {}, []],
    ['several processes', { processes: 2 }, ['several processes']],
    ['a release found the turn gone', { releases: { lost: 1 } }, ['lease lost', 'session lost']],
    ['nobody knows how a turn ended', { releases: { unknown: 1 } }, ['lease lost', 'session lost']],
    ['the watchdog saw it', { leasesLost: 1 }, ['lease lost', 'session lost']],
    [
      'an attempt was given up for it',
      { failures: { 'turn-lost': 1 } },
      ['lease lost', 'session lost'],
    ],
    ['a connection for work broke', { failures: { 'connection-lost': 1 } }, []],
    ['an effect has no record', { effectsWithoutRecord: 1 }, ['effect without record']],
  ])('%s', (_, happened, events) => {
    expect(eventsOf({ ...quiet, ...happened })).toEqual(events);
  });
});
