import { expect, test } from 'vitest';
import { type Observation, verdictOf } from '../../bench/lab/verdict.ts';

/** A lock that was left behind, held against each claim. */
const asked: Observation = {
  keys: 100,
  commands: 800,
  commandsMet: 800,
  keysDecidedTogether: 0,
  effectsWithoutRecord: 0,
  keysDecided: 100,
  keysOverlapped: 100,
  keysTested: 100,
  keysUnfilled: 0,
  keysHit: 0,
  findings: 0,
  lostAcknowledgements: 0,
  turnsLost: 0,
  asked: 80,
  stuck: 0,
  unanswered: 0,
  settled: true,
  audited: true,
  counted: true,
};
const stuck = { ...asked, findings: 3, keysHit: 3, stuck: 3 };

test.each([
  ['safe', stuck, 'unsafe', 'claim violated', /left behind: 3 of 80 keys were still busy/],
  // no lost lease lasts that long
  ['no claim', { ...stuck, turnsLost: 9 }, 'unsafe', 'claim violated', /left behind/],
  ['unsafe', stuck, 'unsafe', 'as claimed', /why/],
  ['safe', { ...asked, asked: 100 }, 'safe', 'as claimed', /why/],
  ['safe', { ...asked, asked: 200, keys: 900 }, 'safe', 'as claimed', /why/], // a sample
  ['safe', asked, 'inconclusive', 'not shown', /only 80 of 100 contested keys were asked again/],
] as const)('a claim of %s', (claim, observation, observed, agreement, because) => {
  const verdict = verdictOf({ verdict: claim, because: 'why' }, observation, {
    share: 0.9,
    keys: 100,
    designEffect: 1,
  });
  expect(verdict).toMatchObject({ observed, agreement });
  expect(verdict.because).toMatch(because);
});
