import { expect, test } from 'vitest';
import { mayRank } from '../../bench/advise/costs.ts';
import { costsOf } from '../../bench/advise/measured-costs.ts';
import type { Run } from '../../bench/compare/schema.ts';
import { exampleRun } from '../bench/example-run.ts';

/** The run with each repetition so many times slower, for everybody or for one. */
function slowed(factors: readonly number[], only?: string): Run {
  const run = exampleRun();
  const cells = run.cells.map(cell => ({
    ...cell,
    repetitions: cell.repetitions.map((one, block) => {
      const factor = only === undefined || only === cell.strategy ? (factors[block] ?? 1) : 1;
      const slow = (phase: typeof one.alone) => ({
        ...phase,
        rounds: phase.rounds.map(round => ({
          ...round,
          calls: round.calls.map(call => ({ ...call, ms: call.ms * factor })),
        })),
      });
      return { ...one, contested: slow(one.contested), alone: slow(one.alone) };
    }),
  }));
  return { ...run, cells };
}

const costsFrom = (local: Run) =>
  costsOf({
    ...{ local, postgresAway: local, redisAway: local, addedMs: 10, localMs: 0.5, command: '' },
  });
const widthOf = (local: Run): number => {
  const own = costsFrom(local).cells.find(({ strategy }) => strategy === 'slow');
  if (!own) throw new Error('slow was not measured');
  return (own.contested.high - own.contested.low) / own.contested.middle;
};
const minutes = [1, 1.3, 1, 2, 1.1];

test('a slow minute that all had is in no interval, and one that a strategy had alone is', () => {
  expect(widthOf(slowed(minutes))).toBeLessThan(0.05);
  expect(widthOf(slowed(minutes, 'slow'))).toBeGreaterThan(0.3);
});

test('costs of fewer repetitions than a rank needs rank nothing', () => {
  const run = exampleRun();
  const once = { ...run, plan: { ...run.plan, repetitions: 1 } };
  expect([mayRank(costsFrom(run)), mayRank(costsFrom(once))]).toEqual([true, false]);
});
