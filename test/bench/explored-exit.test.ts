import { describe, expect, test } from 'vitest';
import { exitCodeOf, exitCodes } from '../../bench/exit.ts';
import { withoutPlan } from '../../bench/exploration/verdict.ts';
import { headline } from '../../bench/report/content.ts';
import { exploredNotes } from '../../bench/report/explored.ts';
import { summarize } from '../../bench/results/summary.ts';
import { exampleRun } from './example-run.ts';

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
