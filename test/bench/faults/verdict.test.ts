import { describe, expect, test } from 'vitest';
import { faultsExit } from '../../../bench/faults/exit.ts';
import { headline, markOf } from '../../../bench/faults/report-marks.ts';
import type { FaultCell } from '../../../bench/faults/schema.ts';
import { faultsTable } from '../../../bench/faults/table.ts';
import { verdictOf } from '../../../bench/faults/verdict.ts';
import { audited, cell, control, fine, harmedAudit, runOf, violation } from './example-cells.ts';

const verdictIn = (one: FaultCell, others: readonly FaultCell[] = [control]) =>
  verdictOf(runOf([...others, one]), one).verdict;

describe('the verdict on a cell', () => {
  test('is as predicted where nothing was violated and a control was', () => {
    expect(verdictIn(cell())).toBe('as predicted');
  });

  test('is inconclusive where the fault harmed nobody', () => {
    const spared = { ...control, audit: { ...audited, findings: 0, violations: [] } };
    expect(verdictIn(cell(), [spared])).toBe('inconclusive');
    expect(verdictIn(cell(), [])).toBe('inconclusive');
    expect(verdictIn(spared, [])).toBe('inconclusive');
    expect(verdictIn(spared)).toBe('not provoked');
  });

  test.each<[string, Partial<FaultCell>]>([
    ['a violation', { audit: harmedAudit }],
    ['an effect that nobody explains', { judged: { ...fine, unexplained: 1 } }],
    ['a lost acknowledgement', { judged: { ...fine, lost: [{ key: '7', commandId: 'c' }] } }],
    ['a key that stays locked', { judged: { ...fine, stuck: true } }],
  ])('contradicts a claim of safety by %s', (_what, changed) => {
    expect(verdictIn(cell(changed))).toBe('contradicts');
  });

  test('no claim covers a violation, and no lost acknowledgement', () => {
    const claimed = { verdict: 'no claim', because: 'the lease was lost' } as const;
    expect(verdictIn(cell({ claimed, audit: harmedAudit }))).toBe('as predicted');
    const lost = [{ key: '7', commandId: 'c' }];
    expect(verdictIn(cell({ claimed, judged: { ...fine, lost } }))).toBe('contradicts');
  });

  test('an audit that misses a lost acknowledgement is held against the record, and the other way', () => {
    const row = { ...violation, kind: 'lost acknowledgement' } as const;
    const found = { ...audited, findings: 1, violations: [row] };
    expect(verdictIn(cell({ audit: found }))).toBe('contradicts');
  });

  test('a command that waited and was done for nobody contradicts; a control is there for that', () => {
    const done = { ...fine, forNobody: 1 };
    const bitten = { ...control, phase: 'waiting', audit: cell().audit, judged: done } as const;
    const at = (changed: Partial<FaultCell>) => {
      const one = cell(changed);
      return verdictOf(runOf([bitten, one], 'work for nobody'), one).verdict;
    };
    expect(at({ phase: 'waiting' })).toBe('as predicted');
    expect(at({ phase: 'waiting', judged: done })).toBe('contradicts');
    expect(at({ phase: 'written', judged: done })).toBe('as predicted');
    expect(verdictOf(runOf([bitten], 'work for nobody'), bitten)).toMatchObject({
      verdict: 'as predicted',
      because: 'harmed: 1 command done for nobody',
    });
    expect(markOf(bitten, verdictOf(runOf([bitten], 'work for nobody'), bitten))).toBe('✗');
    const spared = { ...bitten, judged: fine };
    expect(verdictOf(runOf([spared], 'work for nobody'), spared).verdict).toBe('inconclusive');
  });

  test('a caller that takes silence for a yes is harmed by what is gone; nobody else may be', () => {
    const gone = { ...fine, lost: [{ key: '7', commandId: '' }] };
    const bitten = { ...control, audit: cell().audit, judged: gone };
    const verdict = (one: FaultCell) =>
      verdictOf(runOf([bitten, one], 'lost acknowledgement'), one).verdict;
    expect(verdict(bitten)).toBe('as predicted');
    expect(verdict(cell())).toBe('as predicted');
    expect(verdict(cell({ judged: gone }))).toBe('contradicts');
    expect(markOf(bitten, verdictOf(runOf([bitten], 'lost acknowledgement'), bitten))).toBe('✗');
  });

  test('a command that was done twice is a violation', () => {
    expect(verdictIn(cell({ judged: { ...fine, twice: 1 } }))).toBe('contradicts');
  });

  test('a store that forgets is predicted in both directions', () => {
    const at = (lost: { key: string; commandId: string }[]) => {
      const one = cell({ judged: { ...fine, lost } });
      const harmed = { ...control, judged: { ...fine, lost: [{ key: '7', commandId: 'c' }] } };
      const run = runOf([harmed, one], 'lost acknowledgement');
      const faults = run.faults.map(fault => ({ ...fault, forgets: true }));
      return [
        markOf(one, verdictOf({ ...run, faults }, one)),
        verdictOf({ ...run, faults }, one).verdict,
      ];
    };
    expect(at([{ key: '7', commandId: 'c' }])).toEqual(['✗', 'as predicted']);
    expect(at([])).toEqual(['?', 'inconclusive']);
  });

  test('a lock that outlives its holder is predicted in both directions', () => {
    const at = (leftBehind: FaultCell['leftBehind'], takeOverMs: number | null) =>
      verdictIn(cell({ leftBehind, judged: { ...fine, takeOverMs } }));
    expect(at('not at all', 30)).toBe('as predicted');
    expect(at('not at all', 1_900)).toBe('contradicts');
    expect(at('until the lease has passed', 2_100)).toBe('as predicted');
    expect(at('until the lease has passed', 30)).toBe('contradicts');
    expect(at('until the lease has passed', 9_000)).toBe('contradicts');
    expect(at('not at all', null)).toBe('contradicts');
  });

  test('an outage is predicted in both directions', () => {
    const still = { ...fine, gapMs: { ...fine.gapMs, others: 2_500 } };
    const bitten = { ...control, judged: still, outage: 'expected' } as const;
    const at = (outage: FaultCell['outage'], judged: FaultCell['judged']) => {
      const one = cell({ outage, judged });
      return verdictOf(runOf([bitten, one], 'outage'), one).verdict;
    };
    expect(at('expected', still)).toBe('as predicted');
    expect(at('expected', fine)).toBe('inconclusive');
    expect(at('none', fine)).toBe('as predicted');
    expect(at('none', still)).toBe('contradicts');
  });

  test('without the held message, or with open transactions, nothing is said', () => {
    expect(verdictIn(cell({ wire: [] }))).toBe('inconclusive');
    const passed = cell().wire.map(line => ({ ...line, held: false, purpose: 'lock' }));
    expect(verdictIn(cell({ wire: passed }))).toBe('inconclusive');
    expect(verdictIn(cell({ wire: passed, phase: 'waiting' }))).toBe('as predicted');
    const open = { ...audited, settled: false, findings: 0, violations: [] };
    expect(verdictIn(cell({ audit: open }))).toBe('inconclusive');
    expect(verdictIn(cell({ state: 'phase not reached', because: 'late' }))).toBe('inconclusive');
  });
});

describe('the whole run', () => {
  const skipped = cell({ state: 'skipped', because: 'sentinel is missing', judged: null });
  const broken = cell({ audit: harmedAudit });

  test('ends with the code that says what it found', () => {
    expect(faultsExit(runOf([control, cell()]), false)).toBe(0);
    expect(faultsExit(runOf([control, cell(), broken]), false)).toBe(1);
    expect(faultsExit(runOf([cell()]), false)).toBe(3);
    expect(faultsExit({ ...runOf([control, cell()]), end: 'broken off' }, false)).toBe(3);
    expect(faultsExit({ ...runOf([control, cell()]), end: 'interrupted' }, false)).toBe(130);
    expect(faultsExit(runOf([control, skipped]), false)).toBe(0);
    expect(faultsExit(runOf([control, skipped]), true)).toBe(4);
  });

  test('is told in a sentence and a table of at most 100 columns', () => {
    const run = runOf([control, cell(), skipped, broken]);
    expect(headline(run)).toContain('Contradicts its prediction: one under stall (commit sent)');
    const table = faultsTable(run, { color: false });
    expect(Math.max(...table.split('\n').map(line => line.length))).toBeLessThanOrEqual(100);
    expect(table).toMatch(/^one +commit sent +✗! contradicts/m);
    expect(markOf(control, verdictOf(run, control))).toBe('✗');
  });
});
