import { describe, expect, test } from 'vitest';
import { besideControl, controlSpecs } from '../../bench/explore/control.ts';
import { partText } from '../../bench/explore/explored.ts';
import { roundNames, roundOf } from '../../bench/explore/rounds.ts';
import type { ExploredCell } from '../../bench/explore/schema.ts';
import { exploredCell } from '../bench/example-run.ts';

const pair = (strategy: string) => [strategy, strategy];
const spec = (strategy: string, round = 'plain') => {
  return { scenario: 'appointment', variant: 'plain', round, strategies: pair(strategy) };
};
const part = (violating: number): ExploredCell['parts'] => [
  { event: 'none', orders: 9, violating, claimed: null, agreement: 'nothing claimed' },
];

describe('a safe verdict', () => {
  test('is explored beside its control: once for each round, and not where it is among the cells', () => {
    const asked = [spec('row-lock'), spec('serializable'), spec('row-lock', 'couple')];
    expect(controlSpecs(asked, 'unprotected')).toEqual([
      { ...spec('unprotected'), firstOnly: true },
      { ...spec('unprotected', 'couple'), firstOnly: true },
    ]);
    expect(controlSpecs([spec('row-lock'), spec('unprotected')], 'unprotected')).toEqual([]);
  });

  test('of two calls under one key has the same calls without a key as its control', () => {
    const [control] = controlSpecs([spec('row-lock', 'same-key')], 'unprotected');
    expect(control?.round).toBe('double-tap');
  });

  test.each([
    ['unsafe', part(1), '✓ 9'],
    ['safe', part(0), '? 9'],
  ])('beside a control that is %s is shown as %s', (_, control, shown) => {
    const cells = [exploredCell('row-lock', part(0))];
    const [cell] = besideControl(cells, [exploredCell('unprotected', control)], 'unprotected');
    expect(cell && partText(cell, 'none')).toBe(shown);
  });

  test('of part of a cell, whose other events violate, needs it, too', () => {
    const lost = { ...part(3)[0], event: 'lease-expires' } as ExploredCell['parts'][number];
    const [cell] = besideControl(
      [exploredCell('redis-lease', [...part(0), lost])],
      [],
      'unprotected',
    );
    expect(cell && partText(cell, 'none')).toBe('? 9');
    expect(cell && partText(cell, 'lease-expires')).toBe('✗ 3 of 9');
  });

  test.each(['inconclusive', 'nondeterministic', 'internal-error', 'setup-failed'] as const)(
    'is none of a cell that ended %s',
    outcome => {
      const cell = { ...exploredCell('row-lock', part(0)), outcome };
      expect(partText(cell, 'none')).toBe('? 9');
    },
  );

  test('without any control is none', () => {
    const [cell] = besideControl([exploredCell('row-lock', part(0))], [], 'unprotected');
    expect(cell?.control).toEqual({ seen: false, why: 'the control unprotected was not explored' });
  });

  test('is all that needs one: what was seen to fail stands by itself', () => {
    const [cell] = besideControl([exploredCell('row-lock', part(1))], [], 'unprotected');
    expect(cell?.control).toBeUndefined();
  });

  test('of another round or variant is no control', () => {
    const other = { ...exploredCell('unprotected', part(1)), round: 'couple' };
    const [cell] = besideControl([exploredCell('row-lock', part(0))], [other], 'unprotected');
    expect(cell?.control?.seen).toBe(false);
  });
});

describe('a round', () => {
  const variant = {
    rounds: { couple: { title: 'Room for two.', absent: 1 }, scarce: { title: 'Few.' } },
  };

  test('is one that the load names, or one that every load has', () => {
    expect(roundNames(variant)).toEqual(['plain', 'couple', 'scarce', 'double-tap', 'same-key']);
    expect(roundOf(variant, 'plain')).toMatchObject({
      kind: 'plain',
      doubleTap: false,
      titles: [],
    });
    const keyed = { kind: 'plain', doubleTap: true, sameKey: true };
    expect(roundOf(variant, 'same-key')).toMatchObject(keyed);
  });

  test('may be two at once', () => {
    const both = roundOf(variant, 'couple+double-tap');
    expect(both).toMatchObject({ kind: 'couple', absent: 1, doubleTap: true, sameKey: false });
    expect(both.titles).toHaveLength(2);
  });

  test('that does not exist is refused with those that do', () => {
    expect(() => roundOf(variant, 'opposite')).toThrow("unknown round 'opposite'; expected one of");
    expect(() => roundOf(variant, 'couple+scarce')).toThrow('couple and scarce');
  });
});
