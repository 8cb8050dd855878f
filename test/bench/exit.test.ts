import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../bench/compare/exit.ts';
import { exitCodes } from '../../bench/lab/exit-codes.ts';
import type { CellVerdict } from '../../bench/lab/verdict.ts';
import { exploredCell } from './example-run.ts';

describe('exit codes', () => {
  const verdict = (
    observed: CellVerdict['observed'],
    agreement: CellVerdict['agreement'],
  ): CellVerdict => ({ observed, agreement, because: '' });
  const held = verdict('safe', 'as claimed');
  const failed = verdict('unsafe', 'as claimed');
  const violated = verdict('unsafe', 'claim violated');
  const open = verdict('inconclusive', 'not shown');
  const unclaimed = verdict('no claim', 'nothing claimed');
  const absent = verdict('not offered', 'nothing claimed');
  const unprovoked = verdict('inconclusive', 'not provoked');
  const unviolated = { event: 'none', orders: 9, violating: 0, claimed: null } as const;

  test('are the documented ones', () => {
    expect(exitCodes).toEqual({
      asClaimed: 0,
      claimBroken: 1,
      usage: 2,
      inconclusive: 3,
      missing: 4,
      interrupted: 130,
    });
  });

  test.each([
    { name: 'all as predicted', verdicts: [held, failed, unclaimed, absent], code: 0 },
    { name: 'one that load cannot provoke', verdicts: [held, unprovoked], code: 0 },
    { name: 'one violated its claim', verdicts: [held, violated], code: 1 },
    { name: 'violated beside inconclusive', verdicts: [open, violated], code: 1 },
    { name: 'one inconclusive', verdicts: [held, open], code: 3 },
    { name: 'nothing was judged', verdicts: [absent], code: 3 },
    { name: 'no cell at all', verdicts: [], code: 3 },
  ])('$name: $code', ({ verdicts, code }) => {
    expect(exitCodeOf('complete', verdicts)).toBe(code);
  });

  test('a claim that some explored order broke: 1', () => {
    const part = { ...unviolated, violating: 1 };
    const broken = exploredCell('liar', [{ ...part, agreement: 'claim violated' }]);
    const unclaimed = exploredCell('mix', [{ ...part, agreement: 'nothing claimed' }]);
    expect(exitCodeOf('complete', [held], [unclaimed, broken])).toBe(1);
    expect(exitCodeOf('complete', [held], [unclaimed])).toBe(0);
  });

  test('a predicted violation that neither an order nor the load has shown: 3', () => {
    const unseen = exploredCell('hazard', [{ ...unviolated, agreement: 'not shown' }]);
    expect(exitCodeOf('complete', [unprovoked, held], [unseen])).toBe(3);
    expect(exitCodeOf('complete', [failed, held], [unseen], () => true)).toBe(0);
  });

  test.each([
    ['interrupted', 130],
    ['broken off', 3],
  ] as const)('a run that was %s is never good nor bad: %i', (end, code) => {
    expect(exitCodeOf(end, [held])).toBe(code);
    expect(exitCodeOf(end, [violated])).toBe(code);
  });
});
