import { expect, test } from 'vitest';
import { observationOf } from '../../bench/compare/observation.ts';
import { cell } from './example-run.ts';

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
