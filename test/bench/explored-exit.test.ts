import { describe, expect, test } from 'vitest';
import { headline } from '../../bench/compare/content.ts';
import { exitCodeOf } from '../../bench/compare/exit.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { exitCodeOf as exitCodeOfCells } from '../../bench/explore/command.ts';
import { exploredNotes } from '../../bench/explore/explored.ts';
import type { ExploredCell } from '../../bench/explore/schema.ts';
import { withoutPlan } from '../../bench/explore/verdict.ts';
import { exitCodes } from '../../bench/lab/exit-codes.ts';
import { exampleRun, exploredCell } from './example-run.ts';

const names = {
  scenario: 'appointment',
  variant: 'slots',
  round: 'plain',
  strategies: ['row-lock', 'row-lock'],
};
const good = exampleRun();

describe('a comparison whose orders', () => {
  test.each(['setup-failed', 'inconclusive', 'nondeterministic'] as const)(
    'end as %s is not as predicted, and says why',
    outcome => {
      const summary = summarize({ ...good, explored: [withoutPlan(names, outcome, 'a reason')] });
      expect(summary.exitCode).toBe(exitCodes.inconclusive);
      expect(headline(summary)).toContain('the orders of row-lock could not be judged');
      expect(exploredNotes(summary.explored).join()).toContain('a reason');
    },
  );

  test.each(['budget-stopped', 'not offered', 'safe'] as const)('end as %s is', outcome => {
    const cell = withoutPlan(names, outcome, 'a reason');
    expect(exitCodeOf('complete', verdicts, [cell])).toBe(exitCodes.asClaimed);
  });
});

const verdicts = summarize(good).cells.map(({ verdict }) => verdict);

describe('an exploration of strategies', () => {
  const cell = (agreement: ExploredCell['parts'][number]['agreement'], violating = 0) =>
    exploredCell('row-lock', [{ event: 'none', orders: 9, violating, claimed: null, agreement }]);
  const proven = { ...cell('as claimed'), control: { seen: true, why: 'the control fails' } };

  test.each<[string, ExploredCell[], keyof typeof exitCodes]>([
    ['that is as claimed, beside its control,', [proven], 'asClaimed'],
    ['that fails as it was predicted', [cell('as claimed', 3)], 'asClaimed'],
    ['that breaks a claim', [cell('claim violated', 3)], 'claimBroken'],
    ['whose predicted violation was not shown', [proven, cell('not shown')], 'inconclusive'],
    [
      'whose predicted violation another round has shown',
      [cell('not shown'), { ...cell('as claimed', 3), round: 'couple' }],
      'asClaimed',
    ],
    [
      'whose control was not seen to fail',
      [{ ...proven, control: { seen: false, why: 'the control is safe' } }],
      'inconclusive',
    ],
    ['that was not exhausted', [{ ...proven, exhausted: false }], 'inconclusive'],
    ['without a verdict', [{ ...proven, outcome: 'inconclusive' }], 'inconclusive'],
    ['where nothing was offered', [{ ...proven, outcome: 'not offered' }], 'inconclusive'],
  ])('%s is told by the exit code', (_, cells, end) => {
    expect(exitCodeOfCells(cells)).toBe(exitCodes[end]);
  });
});
