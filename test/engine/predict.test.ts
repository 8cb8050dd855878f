import { describe, expect, test } from 'vitest';
import {
  type Event,
  events,
  type Guard,
  type Isolation,
  type PredictionReason,
  predict,
  predictionReasons,
  type Strategy,
  strategy,
  type Traits,
  type Turn,
  type Wording,
} from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

/** The prediction is a pure function of facts: each line states what somebody relies on. */
const declared = (facts: Partial<Strategy>): Strategy => strategy({ title: 'x', ...facts });
const turn = (heldBy: Turn['heldBy'], until: Turn['until'] = 'commit'): Turn => ({
  heldBy,
  until,
  open: () => Promise.reject(new Error('not opened here')),
});
const wordings: readonly Wording[] = ['steps', 'numbered slots', 'precreated rows'];
const inserts: Traits = { acts: 'inserts beside it', effect: 'inside' };
const updates: Traits = { acts: 'updates the deciding row', effect: 'inside' };

const verdict = (facts: Partial<Strategy>, traits: Traits = inserts, ...events: Event[]) =>
  predict(declared(facts), { ...traits, wordings }, new Set(events)).verdict;
const guarded = (isolation: Isolation, ...guard: Guard[]) => ({ isolation, guard });

describe('predict', () => {
  test('nothing taken and nothing proved is unsafe', () => {
    expect(verdict({})).toBe('unsafe');
  });

  test('a row lock before the look is safe under READ COMMITTED, whatever the rule writes', () => {
    expect(verdict(guarded('read committed', 'lock row'))).toBe('safe');
    expect(verdict(guarded('read committed', 'lock row'), updates)).toBe('safe');
  });

  test('a bare lock on the parent is unsafe under REPEATABLE READ, and a touch cures it', () => {
    expect(verdict(guarded('repeatable read', 'lock row'))).toBe('unsafe');
    expect(verdict(guarded('repeatable read', 'lock row', 'touch'))).toBe('safe');
    expect(verdict(guarded('repeatable read', 'lock row'), updates)).toBe('safe');
  });

  test('SKIP LOCKED is safe only where any free row will do', () => {
    const facts = guarded('read committed', 'lock row, skip locked');
    expect(verdict(facts)).toBe('unsafe');
    expect(verdict(facts, { acts: 'takes any free row', effect: 'inside' })).toBe('safe');
  });

  test('a lease claims safety while no lease was lost, and nothing after', () => {
    const lease = { turns: [turn('lease')] };
    expect(verdict(lease)).toBe('safe');
    expect(verdict(lease, inserts, 'lease lost')).toBe('no claim');
    expect(verdict({ turns: [turn('lease', 'rule ends')] })).toBe('unsafe');
  });

  test('a mutex claims safety inside one process', () => {
    const mutex = { turns: [turn('process')] };
    expect(verdict(mutex)).toBe('safe');
    expect(verdict(mutex, inserts, 'several processes')).toBe('unsafe');
  });

  test('optimistic proofs and constraints refuse in time, unless money has left', () => {
    const outside: Traits = { acts: 'updates the deciding row', effect: 'outside' };
    for (const facts of [
      { guard: ['compare version'] as const },
      { wording: 'numbered slots' as const },
      { isolation: 'serializable' as const },
    ]) {
      expect(verdict(facts)).toBe('safe');
      expect(verdict(facts, outside)).toBe('unsafe');
    }
  });

  test('no lock covers an outside effect that lost its record', () => {
    const outside: Traits = { acts: 'updates the deciding row', effect: 'outside' };
    const locked = guarded('read committed', 'lock row');
    expect(verdict(locked, outside)).toBe('safe');
    expect(verdict(locked, outside, 'effect without record')).toBe('no claim');
    expect(verdict(locked, outside, 'crash')).toBe('unsafe');
    expect(verdict(locked, updates, 'effect without record', 'crash')).toBe('safe');
    expect(verdict({}, outside, 'effect without record')).toBe('unsafe');
  });

  test('a wording that the scenario lacks is not offered, with the reason', () => {
    const told = predict(declared({ wording: 'exclusion' }), { ...inserts, wordings }, new Set());
    expect(told).toEqual({
      verdict: 'not offered',
      reason: 'wording missing',
      because: "the scenario has no wording 'exclusion'",
    });
  });

  test('a variant that expects to be unsafe is, under every strategy', () => {
    const wrongKey: Traits = { ...inserts, expects: { unsafe: 'duplicate', because: 'wrong key' } };
    expect(verdict(guarded('read committed', 'lock row'), wrongKey)).toBe('unsafe');
  });

  test('except under what does not go by its key: a wider lock, SERIALIZABLE, a constraint', () => {
    const exceptUnder = ['serializable', 'lock table', 'numbered slots'] as const;
    const expects = { unsafe: 'duplicate', because: 'wrong key', exceptUnder } as const;
    const wrongKey: Traits = { ...inserts, expects };
    expect(verdict(guarded('read committed', 'lock row'), wrongKey)).toBe('unsafe');
    expect(verdict({ guard: ['compare version'] }, wrongKey)).toBe('unsafe');
    expect(verdict(guarded('read committed', 'lock table'), wrongKey)).toBe('safe');
    expect(verdict({ isolation: 'serializable' }, wrongKey)).toBe('safe');
    expect(verdict({ wording: 'numbered slots' }, wrongKey)).toBe('safe');
  });

  test('or under a turn or a first statement, where that is what stands before the choice', () => {
    const exceptUnder = ['turns', 'first'] as const;
    const expects = { unsafe: 'duplicate', because: 'chosen too early', exceptUnder } as const;
    const alone: Traits = { ...inserts, expects };
    const first = [{ text: 'select true as granted from unnest($1::text[])' }];
    const wording = 'numbered slots';
    expect(verdict({ wording }, alone)).toBe('unsafe');
    expect(verdict({ wording, first }, alone)).toBe('safe');
    expect(verdict({ wording, turns: [turn('session')] }, alone)).toBe('safe');
    expect(verdict({ wording, turns: [turn('lease', 'rule ends')] }, alone)).toBe('unsafe');
  });

  describe('a declared hazard whose event happened', () => {
    const hazard = (...under: Event[]) => ({ hazard: { why: 'x', under, cure: 'y' } });
    const lease = { turns: [turn('lease')] };

    test('goes before the turn that it breaks, though no lease was lost', () => {
      expect(verdict({ ...lease, ...hazard('crash') }, inserts)).toBe('safe');
      expect(verdict({ ...lease, ...hazard('crash') }, inserts, 'crash')).toBe('unsafe');
      const phases = 'statement phases';
      expect(verdict({ ...lease, ...hazard(phases) }, inserts, phases)).toBe('unsafe');
      expect(verdict({ ...lease, ...hazard('lease lost') }, inserts, 'lease lost')).toBe('unsafe');
    });

    test('does not undo what the store refuses or locks by itself', () => {
      const lost = hazard('lease lost');
      const refuses = { ...lease, ...lost, wording: 'numbered slots' } as const;
      expect(verdict(refuses, inserts, 'lease lost')).toBe('safe');
      const locks = { ...lease, ...lost, ...guarded('read committed', 'lock row') };
      expect(verdict(locks, inserts, 'lease lost')).toBe('safe');
    });

    test('breaks its own part of a pair, and not the turn of the other', () => {
      const unsafe = declared({ ...lease, ...hazard('lease lost') });
      const session = declared({ turns: [turn('session')] });
      const pair = (other: Strategy) => ({
        turns: [...unsafe.turns, ...other.turns],
        parts: [unsafe, other],
        ...hazard('lease lost'),
      });
      expect(verdict(pair(session), inserts, 'lease lost')).toBe('safe');
      expect(verdict(pair(session), inserts, 'lease lost', 'session lost')).toBe('unsafe');
      const other = declared({ ...lease });
      expect(verdict(pair(other), inserts, 'lease lost')).toBe('unsafe');
      expect(verdict(pair(other), inserts)).toBe('safe');
    });

    test('keeps everybody out after a crash, whatever stands behind the turn', () => {
      const locks = { ...lease, ...hazard('crash'), ...guarded('read committed', 'lock row') };
      expect(verdict(locks, inserts, 'crash')).toBe('unsafe');
    });
  });
});

test('every reason is given for some strategy, variant and events, each for one verdict', async () => {
  const { strategies, scenarios } = await loadRegistry();
  const variants = [...scenarios.values()].flatMap(({ registered }) =>
    Object.values(registered.variants),
  );
  const happened = [...events.map(event => [event]), [], [...events]];
  const given = new Map<PredictionReason, Set<string>>();
  const notOurs = declared(guarded('repeatable read', 'lock table'));
  for (const each of [...[...strategies.values()].map(one => one.declared), notOurs])
    for (const variant of variants)
      for (const some of happened) {
        const { reason, verdict } = predict(each, variant, new Set(some));
        given.set(reason, (given.get(reason) ?? new Set()).add(verdict));
      }
  const unpredicted: PredictionReason = 'strategy not given';
  expect([...given.keys(), unpredicted].sort()).toEqual([...predictionReasons].sort());
  for (const [reason, verdicts] of given) expect([reason, verdicts.size]).toEqual([reason, 1]);
});
