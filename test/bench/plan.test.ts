import { beforeAll, describe, expect, test } from 'vitest';
import {
  cellsOf,
  isOffered,
  leftOutOf,
  limitsOf,
  orderOf,
  participantsOf,
  scenarioOf,
  UsageError,
} from '../../bench/plan.ts';
import { loadRegistry, type Registry } from '../../src/engine/registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await loadRegistry();
});

const names = (asked: readonly string[]) =>
  participantsOf(registry, asked).map(one => one.strategy.name);

describe('who takes part', () => {
  test('the control always does, and is found by what it does not do', () => {
    expect(names(['row-lock']).toSorted()).toEqual(['none', 'row-lock']);
    const controls = participantsOf(registry, []).filter(one => one.control);
    expect(controls.map(one => one.strategy.name)).toEqual(['none']);
  });

  test('by default everyone but those on request and hazards that load does not provoke; they are told', () => {
    const out = leftOutOf(registry, []).map(one => one.name);
    expect([...names([]), ...out].toSorted()).toEqual([...registry.strategies.keys()].toSorted());
    expect(names([])).toContain('process-mutex');
    for (const name of out) {
      const { hazard, compared } = registry.strategies.get(name)?.declared ?? {};
      expect(compared === 'on request' || hazard !== undefined).toBe(true);
    }
  });

  test('all of them where that is asked', () => {
    expect(names(['all']).toSorted()).toEqual([...registry.strategies.keys()].toSorted());
    expect(leftOutOf(registry, ['all'])).toEqual([]);
  });

  test('whoever is named takes part, provoked or not', () => {
    const [one] = leftOutOf(registry, []);
    if (one) expect(names([one.name])).toContain(one.name);
    expect(leftOutOf(registry, ['row-lock'])).toEqual([]);
  });

  test('two in one transaction are one participant, in whatever order they are named', () => {
    expect(names(['both:row-lock+redis-lease'])).toContain('both:redis-lease+row-lock');
    expect(() => names(['both:row-lock+rowlock'])).toThrow(/no strategy 'rowlock'/);
    expect(() => names(['both:row-lock+serializable'])).toThrow(/snapshot/);
  });

  test('an unknown name is told beside the known ones', () => {
    expect(() => participantsOf(registry, ['rowlock'])).toThrow(UsageError);
    expect(() => participantsOf(registry, ['rowlock'])).toThrow(/'rowlock'.*row-lock/);
    expect(() => scenarioOf(registry, 'appointments')).toThrow(/there are .*appointment/);
  });
});

test('every variant meets every participant, offered or not', () => {
  const scenario = scenarioOf(registry, 'appointment');
  const participants = participantsOf(registry, []);
  const cells = cellsOf(scenario, participants);
  const variants = Object.keys(scenario.registered.variants);
  expect(cells).toHaveLength(variants.length * participants.length);
  for (const cell of cells) {
    const { wording } = cell.participant.strategy.declared;
    const offered = scenario.registered.variants[cell.variant]?.wordings.includes(wording);
    expect(isOffered(scenario, cell)).toBe(offered);
  }
});

test('each repetition has an order of its own, which the seed repeats', () => {
  const cells = Array.from({ length: 12 }, (_, index) => index);
  expect(orderOf(cells, 1, 1)).toEqual(orderOf(cells, 1, 1));
  expect(orderOf(cells, 1, 1)).not.toEqual(orderOf(cells, 1, 2));
  expect(orderOf(cells, 1, 1).toSorted((a, b) => a - b)).toEqual(cells);
});

describe('time', () => {
  test('what is left is shared over what is left to do, with a rest for the work between', () => {
    const { contestedMs, uncontendedMs } = limitsOf(10_000, 5, undefined);
    expect(contestedMs + uncontendedMs).toBeLessThan(2_000);
    expect(contestedMs).toBeGreaterThan(uncontendedMs);
  });

  test('where none is left there is still some, so that no cell goes empty', () => {
    const { contestedMs, uncontendedMs } = limitsOf(-5_000, 3, undefined);
    expect(Math.min(contestedMs, uncontendedMs)).toBeGreaterThan(0);
    expect(contestedMs + uncontendedMs).toBeLessThan(500);
  });

  test('rounds that were asked for are given, within a bound', () => {
    expect(limitsOf(0, 1, 1_000).contestedMs).toBe(500_000);
  });
});
