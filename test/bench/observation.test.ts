import { expect, test } from 'vitest';
import { observationOf } from '../../bench/compare/observation.ts';
import { verdictOf } from '../../bench/lab/verdict.ts';
import { audit, cell } from './example-run.ts';

const safe = { verdict: 'safe', because: 'locked' } as const;

/** The example's cell with its contested rounds changed. */
function observed(change: (round: Round, index: number) => Round) {
  const made = cell('mine', safe);
  const { length } = made.repetitions;
  const repetitions = made.repetitions.map((one, block) => ({
    ...one,
    contested: {
      ...one.contested,
      // keys are dealt in turn
      rounds: one.contested.rounds.map((round, at) => change(round, at * length + block)),
    },
  }));
  return observationOf({ ...made, repetitions });
}

type Round = ReturnType<typeof cell>['repetitions'][number]['contested']['rounds'][number];

test('a key is tested where two were worked for at once and one got through', () => {
  const alone = observed((round, index) => ({ ...round, overlapped: index >= 10 }));
  expect(alone).toMatchObject({ keys: 30, keysOverlapped: 20, keysTested: 20 });
  const turnedAway = observed((round, index) => ({
    ...round,
    calls: round.calls.map(call => (index < 4 ? { ...call, outcome: 'busy' as const } : call)),
  }));
  expect(turnedAway).toMatchObject({ keysOverlapped: 30, keysTested: 26, keysUnfilled: 4 });
  const before = observed((round, index) => ({
    ...round,
    calls: round.calls.map(call =>
      index < 4 && call.outcome === 'accepted' ? { ...call, met: false } : call,
    ),
  }));
  expect(before).toMatchObject({ keysOverlapped: 30, keysTested: 26 });
});

test('a key that was left with room is tested all the same, and told as unfilled', () => {
  const roomy = observed(round => ({
    ...round,
    capacity: 2,
    decidedMs: null,
    calls: round.calls.map(call =>
      call.outcome === 'refused' ? { ...call, outcome: 'busy' as const } : call,
    ),
  }));
  expect(roomy).toMatchObject({ keysDecided: 0, keysTested: 30, keysUnfilled: 30 });
});

test('a violation outside the contested rounds counts, and is no part of “k of n”', () => {
  const twice = (key: string) =>
    ({ key, kind: 'duplicate', excess: 1, detail: 'paid twice' }) as const;
  const made = cell('mine', safe);
  const found = [twice('mine-0'), twice('mine-0-busy'), twice('mine-1-alone')];
  const one = observationOf({
    ...made,
    audit: made.audit && { ...made.audit, busy: audit(found) },
  });
  expect(one).toMatchObject({ keys: 30, keysHit: 3, keysHitElsewhere: 2 });
  const { because } = verdictOf(safe, one, { share: 0.9, keys: 100, designEffect: 1 });
  expect(because).toMatch(/^1 of 30 keys were violated, and 2 outside the contested rounds/);
});
