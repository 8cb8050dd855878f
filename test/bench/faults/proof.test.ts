import { describe, expect, test } from 'vitest';
import { committedText, trimmed } from '../../../bench/faults/committed.ts';
import { firstLines } from '../../../bench/faults/first-lines.ts';
import { faultsReport } from '../../../bench/faults/report.ts';
import { headline } from '../../../bench/faults/report-marks.ts';
import type { FaultCell, FaultsRun } from '../../../bench/faults/schema.ts';
import { runSchema } from '../../../bench/faults/schema.ts';
import { verdictOf } from '../../../bench/faults/verdict.ts';
import { audited, cell, control, fine, harmedAudit, runOf } from './example-cells.ts';

const verdictIn = (one: FaultCell, others: readonly FaultCell[] = [control]) =>
  verdictOf(runOf([...others, one]), one);
const noClaim = { verdict: 'no claim', because: 'the lease was lost' } as const;

describe('what held', () => {
  const heldIn = (run: FaultsRun) => firstLines(run)[1];

  test('was struck, and held', () => {
    expect(heldIn(runOf([control, cell()]))).toBe(
      'Held under every fault that concerns them: one.',
    );
  });

  test.each<[string, FaultsRun]>([
    ['has no cell', runOf([control])],
    [
      'no fault concerns it',
      runOf([control, cell({ state: 'not offered', because: 'nothing in Redis', judged: null })]),
    ],
    [
      'was skipped under one of them',
      runOf([control, cell(), cell({ state: 'skipped', because: 'no pooler', judged: null })]),
    ],
    ['belongs to a run that ended early', { ...runOf([control, cell()]), end: 'interrupted' }],
  ])('is nothing that %s', (_what, run) => {
    expect(heldIn(run)).toBe('None is shown to have held under every fault that concerns it.');
  });

  test('is told apart from what claims nothing', () => {
    const open = cell({ strategy: 'two', claimed: noClaim });
    expect(headline(runOf([control, cell(), open]))).toBe(
      '2 cells as predicted, and 1 without a claim.',
    );
    expect(headline(runOf([control, cell()]))).toBe('2 cells as predicted.');
  });
});

describe('a control', () => {
  test('proves a fault in the phase in which both were struck', () => {
    const late = {
      ...control,
      phase: 'releasing',
      audit: { ...audited, findings: 0, violations: [] },
    };
    const both = [control, late as FaultCell];
    expect(verdictIn(cell(), both).verdict).toBe('as predicted');
    expect(verdictIn(cell({ phase: 'releasing' }), both).verdict).toBe('inconclusive');
    expect(verdictIn(cell({ phase: 'written' }), both).verdict).toBe('as predicted');
  });

  test('proves nothing where too little was seen of it', () => {
    const open = { ...control, audit: { ...harmedAudit, settled: false } };
    expect(verdictIn(cell(), [open]).verdict).toBe('inconclusive');
    expect(firstLines(runOf([open, cell()])).at(-1)).toMatch(/^0 of 1 fault /);
  });

  test('that only stood still says that nobody violated anything', () => {
    const still = { ...fine, gapMs: { ...fine.gapMs, others: 2_500 } };
    const one = cell({ outage: 'expected', judged: still });
    const calm = { ...one, ...{ strategy: 'hazard', control: true, claimed: control.claimed } };
    const violated = { ...calm, audit: harmedAudit };
    const because = (bare: FaultCell) => {
      const run = runOf([bare, one], 'outage');
      return [verdictOf(run, one).because, firstLines(run).at(-1)].join(' ');
    };
    expect(because(calm)).toMatch(/no violation \(no control violated\).*stall.*standstill/);
    expect(because(violated)).not.toMatch(/no control|standstill/);
  });
});

describe('too little was seen', () => {
  test('of an outage where nobody was served before it', () => {
    const blind = { ...fine, gapMs: { ...fine.gapMs, before: null, others: 2_500 } };
    const still = { ...fine, gapMs: { ...fine.gapMs, others: 2_500 } };
    const bitten = cell({ ...control, audit: cell().audit, outage: 'expected', judged: still });
    const at = (changed: Partial<FaultCell>) =>
      verdictOf(runOf([bitten, cell(changed)], 'outage'), cell(changed)).verdict;
    expect(at({ outage: 'none', judged: blind })).toBe('inconclusive');
    expect(at({ outage: 'expected', judged: blind })).toBe('inconclusive');
    expect(at({ outage: 'expected', judged: still })).toBe('as predicted');
    expect(verdictIn(cell({ judged: blind })).verdict).toBe('as predicted');
  });

  test('of a baseline that an older result has as 0', () => {
    const old = runOf([cell({ judged: { ...fine, gapMs: { ...fine.gapMs, before: 0 } } })]);
    expect(runSchema.parse(old).cells[0]?.judged?.gapMs.before).toBeNull();
  });

  test('of a wait whose only request is for something else', () => {
    const lines = (purpose: string) =>
      cell().wire.map(line => ({ ...line, held: false, purpose, text: 'select 1' }));
    const at = (purpose: string) =>
      verdictIn(cell({ phase: 'waiting', wire: lines(purpose) })).verdict;
    expect(at('other')).toBe('inconclusive');
    expect(at('deciding')).toBe('as predicted');
    expect(at('lock')).toBe('as predicted');
  });
});

test('a struck process that decides nothing any more contradicts', () => {
  const gone = { ...fine, reconnectMs: null };
  expect(verdictIn(cell({ judged: gone }))).toMatchObject({
    verdict: 'contradicts',
    because: expect.stringMatching(/decided nothing after the healing/),
  });
  expect(verdictIn(cell({ judged: gone, claimed: noClaim })).verdict).toBe('contradicts');
  expect(verdictIn({ ...control, judged: gone }).verdict).toBe('as predicted');
});

test('a run that is committed keeps the proof of those who waited', () => {
  const passed = cell().wire.map(line => ({ ...line, held: false, purpose: 'lock' }));
  const other = passed.map(line => ({ ...line, purpose: 'other' }));
  const one = cell({ phase: 'waiting', wire: [...passed, ...other] });
  const run = trimmed(runOf([control, one]));
  expect(run.cells[1]?.wire).toEqual(passed);
  const read = runSchema.parse(JSON.parse(committedText(runOf([control, one]))));
  expect(verdictOf(read, read.cells[1] as FaultCell).verdict).toBe('as predicted');
});

test('a commit whose files had changed is named with that', () => {
  const commitIn = (changed: boolean) => {
    const run = runOf([control, cell()]);
    const { facts } = faultsReport({ ...run, conditions: { ...run.conditions, changed } });
    return facts?.find(([name]) => name === 'commit')?.[1];
  };
  expect(commitIn(true)).toMatch(/, with changes$/);
  expect(commitIn(false)).not.toMatch(/changes/);
});
