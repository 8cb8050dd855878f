import { describe, expect, test } from 'vitest';
import { exitCodeOf, exitCodes } from '../../bench/exit.ts';
import { exitCodeOf as exitCodeOfCells } from '../../bench/exploration/command.ts';
import { withoutPlan } from '../../bench/exploration/verdict.ts';
import { headline } from '../../bench/report/content.ts';
import { exploredNotes } from '../../bench/report/explored.ts';
import type { ExploredCell } from '../../bench/results/schema.ts';
import { summarize } from '../../bench/results/summary.ts';
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
    expect(exitCodeOf('complete', verdicts, [cell])).toBe(exitCodes.asPredicted);
  });
});

const verdicts = summarize(good).cells.map(({ verdict }) => verdict);

describe('an exploration of strategies', () => {
  const cell = (agreement: ExploredCell['parts'][number]['agreement'], violating = 0) =>
    exploredCell('row-lock', [{ event: 'none', orders: 9, violating, claimed: null, agreement }]);
  const proven = { ...cell('as claimed'), control: { seen: true, why: 'the control fails' } };

  test.each<[string, ExploredCell[], keyof typeof exitCodes]>([
    ['that is as claimed, beside its control,', [proven], 'asPredicted'],
    ['that fails as it was predicted', [cell('as claimed', 3)], 'asPredicted'],
    ['that breaks a claim', [cell('claim violated', 3)], 'claimViolated'],
    ['whose predicted violation was not shown', [proven, cell('not shown')], 'inconclusive'],
    [
      'whose predicted violation another round has shown',
      [cell('not shown'), { ...cell('as claimed', 3), round: 'couple' }],
      'asPredicted',
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
