import { beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../bench/lab/command-line.ts';
import {
  budgetMs,
  cellsOf,
  contestsOf,
  isOffered,
  leftOutOf,
  limitsOf,
  orderOf,
  participantsOf,
  scenariosLeftOut,
} from '../../bench/lab/plan.ts';
import { loadRegistry, type Registry } from '../../src/engine/registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await loadRegistry();
});

const names = (asked: readonly string[]) =>
  participantsOf(registry, asked).map(one => one.strategy.name);

describe('who takes part', () => {
  test('the control always does, and is found by what it does not do', () => {
    expect(names(['row-lock']).toSorted()).toEqual(['row-lock', 'unprotected']);
    const controls = participantsOf(registry, []).filter(one => one.control);
    expect(controls.map(one => one.strategy.name)).toEqual(['unprotected']);
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
    expect(() => contestsOf(registry, ['appointments'])).toThrow(/there are .*appointment/);
  });
});

describe('what is compared on', () => {
  const placesOf = (names: readonly string[], variants: readonly string[] = []) =>
    contestsOf(registry, names, variants).flatMap(contest =>
      contest.variants.map(variant => `${contest.scenario.name}/${variant}`),
    );
  const everywhere = () =>
    [...registry.scenarios.values()].flatMap(({ name, registered }) =>
      Object.keys(registered.variants).map(variant => `${name}/${variant}`),
    );

  test('is every variant of every scenario where all are asked for', () => {
    expect(placesOf(['all']).toSorted()).toEqual(everywhere().toSorted());
    expect(placesOf(['coupon', 'all']).toSorted()).toEqual(everywhere().toSorted());
  });

  test('can be narrowed by a variant, of all scenarios or of one', () => {
    expect(placesOf(['all'], ['plain']).toSorted()).toEqual(
      everywhere()
        .filter(place => place.endsWith('/plain'))
        .toSorted(),
    );
    const one = everywhere().find(place => !place.endsWith('/plain')) ?? '';
    expect(placesOf(['all'], [one])).toEqual([one]);
  });

  test('is told where it does not exist', () => {
    expect(() => placesOf(['all'], ['weddings'])).toThrow(/no variant 'weddings'.*plain/);
    expect(() => placesOf(['gift-card'], ['coupon/plain'])).toThrow(UsageError);
  });

  test('is every variant with every participant, offered or not', () => {
    const participants = participantsOf(registry, ['all']);
    for (const contest of contestsOf(registry, ['all'])) {
      const cells = cellsOf(contest, participants);
      expect(cells).toHaveLength(contest.variants.length * participants.length);
      for (const cell of cells) {
        const { wording } = cell.participant.strategy.declared;
        const { variants } = contest.scenario.registered;
        expect(isOffered(cell)).toBe(variants[cell.variant]?.wordings.includes(wording));
      }
    }
  });

  test('says which scenarios are missing and how to get them', () => {
    const missing = scenariosLeftOut(registry, contestsOf(registry, ['coupon']));
    expect(missing.map(({ name }) => name)).toEqual(
      [...registry.scenarios.keys()].filter(name => name !== 'coupon'),
    );
    expect(missing[0]?.because).toContain('--scenario all');
    expect(scenariosLeftOut(registry, contestsOf(registry, ['all']))).toEqual([]);
  });
});

test('each repetition has an order of its own, which the seed repeats', () => {
  const cells = Array.from({ length: 12 }, (_, index) => index);
  expect(orderOf(cells, 1, 1)).toEqual(orderOf(cells, 1, 1));
  expect(orderOf(cells, 1, 1)).not.toEqual(orderOf(cells, 1, 2));
  expect(orderOf(cells, 1, 1).toSorted((a, b) => a - b)).toEqual(cells);
});

describe('time', () => {
  const quick = { mainJob: true, rounds: undefined };

  test('what is left is shared over what is left to do, with a rest for the work between', () => {
    const { contestedMs, aloneMs, busyMs } = limitsOf(10_000, 5, quick);
    expect(contestedMs + aloneMs + busyMs).toBeLessThan(2_000);
    expect(contestedMs).toBeGreaterThan(aloneMs + busyMs);
  });

  test('a matrix is as patient with its last cell as with its first', () => {
    const matrix = { mainJob: false, rounds: undefined };
    expect(limitsOf(-60_000, 1, matrix).patienceMs).toBe(limitsOf(60_000, 9, matrix).patienceMs);
    expect(limitsOf(60_000, 9, quick).patienceMs).toBeLessThan(60_000);
  });

  test('the main job has the same however many take part; a matrix has some for each cell', () => {
    expect(budgetMs(true, 8)).toBe(budgetMs(true, 80));
    expect(budgetMs(false, 80)).toBe(10 * budgetMs(false, 8));
  });

  test('where none is left there is still some, so that no cell goes empty', () => {
    const { contestedMs, aloneMs, busyMs } = limitsOf(-5_000, 3, quick);
    expect(Math.min(contestedMs, aloneMs, busyMs)).toBeGreaterThan(0);
    expect(contestedMs + aloneMs + busyMs).toBeLessThan(500);
  });

  test('rounds that were asked for are given, within a bound', () => {
    expect(limitsOf(0, 1, { mainJob: true, rounds: 1_000 }).contestedMs).toBe(500_000);
  });
});
