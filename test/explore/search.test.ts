import { describe, expect, test } from 'vitest';
import type { Choice } from '../../src/explore/search/choice.ts';
import { type Footprint, footprintOf } from '../../src/explore/search/footprint.ts';
import { Nondeterministic } from '../../src/explore/search/point.ts';
import { RandomSchedules } from '../../src/explore/search/random.ts';
import { formatSchedule, isSerial, parseSchedule } from '../../src/explore/search/schedule.ts';
import type { Scheduler } from '../../src/explore/search/scheduler.ts';
import { Search, type SearchPlan } from '../../src/explore/search/search.ts';

/** Actors whose steps each touch one key: `['x', 'y']` takes two steps. */
type Program = readonly (readonly string[])[];

const everything: SearchPlan = {
  bound: { events: 0, preemptions: undefined, preemptionsWithEvent: undefined },
  executionsMax: 1_000_000,
  outOfTime: () => false,
  reduce: false,
  simple: undefined,
  symmetry: undefined,
};

function touches(actor: number, key: string): Footprint {
  return footprintOf([actor], 'these', { keys: new Map([[`redis ${key}`, 'writes']]) });
}

/** Runs a program as the scheduler has it; what it ends in is the order of the writers of each key. */
function interpret(program: Program, scheduler: Scheduler): string | undefined {
  const at = program.map(() => 0);
  const writers = new Map<string, string>();
  let previous: number | undefined;
  let touched: Footprint | undefined;
  for (;;) {
    const choices = program.flatMap((steps, actor): Choice[] => {
      const key = steps[at[actor] ?? 0];
      const token = String.fromCharCode(65 + actor);
      return key === undefined ? [] : [{ token, legacy: token, kind: 'step', actor, shape: key }];
    });
    if (choices.length === 0) break;
    const choice = scheduler.next({ choices, previous, touched });
    if (choice === undefined) return undefined;
    const actor = choice.actor ?? 0;
    at[actor] = (at[actor] ?? 0) + 1;
    writers.set(choice.shape, (writers.get(choice.shape) ?? '') + choice.token);
    touched = touches(actor, choice.shape);
    previous = actor;
  }
  return [...writers]
    .sort()
    .map(pair => pair.join('='))
    .join(' ');
}

/** Two actors with two steps each; the reply of any step may be lost. */
async function loseReplies(scheduler: Scheduler): Promise<void> {
  const left = [2, 2];
  let previous: number | undefined;
  while (left.some(steps => steps > 0)) {
    const choices = left.flatMap((steps, actor): Choice[] => {
      const token = String.fromCharCode(65 + actor);
      const step = { token, legacy: token, kind: 'step', actor, shape: 'x' } as const;
      const lost = { ...step, token: `?${token}`, kind: 'lost-reply' } as const;
      return steps === 0 ? [] : [step, lost];
    });
    const choice = scheduler.next({ choices, previous, touched: undefined });
    if (choice?.actor === undefined) return;
    previous = choice.actor;
    left[previous] = (left[previous] ?? 0) - 1;
  }
}

async function outcomes(program: Program, plan: SearchPlan) {
  const seen = new Map<string, number>();
  const schedules: string[] = [];
  let last: string | undefined;
  const end = await new Search(plan).run(
    async scheduler => {
      last = interpret(program, scheduler);
    },
    visit => {
      schedules.push(visit.tokens.join(''));
      if (last !== undefined) seen.set(last, (seen.get(last) ?? 0) + 1);
      return 'go on';
    },
  );
  return { end, seen, schedules };
}

describe('the search', () => {
  test('visits every order once', async () => {
    const { end, schedules } = await outcomes(
      [
        ['a', 'a', 'a', 'a'],
        ['a', 'a', 'a', 'a'],
      ],
      everything,
    );
    expect(end).toMatchObject({ executions: 70, exhausted: true, cut: false, covered: 1 });
    expect(new Set(schedules).size).toBe(70);
  });

  test.each([
    [0, 2],
    [1, 8],
    [2, 26],
    [3, 44],
  ])('within %i preemptions there are %i orders of 2 × 4 steps', async (preemptions, orders) => {
    const bound = { ...everything.bound, preemptions };
    const program = [
      ['a', 'a', 'a', 'a'],
      ['a', 'a', 'a', 'a'],
    ];
    const { end } = await outcomes(program, { ...everything, bound });
    expect(end).toMatchObject({ executions: orders, exhausted: true, cut: true });
  });

  test('simpler schedules come first, so the first finding is the shortest', async () => {
    const costs: number[] = [];
    await new Search(everything).run(
      async scheduler => {
        interpret(
          [
            ['a', 'a', 'a'],
            ['a', 'a', 'a'],
          ],
          scheduler,
        );
      },
      visit => {
        costs.push(visit.cost.preemptions);
        return 'go on';
      },
    );
    expect(costs).toEqual([...costs].sort((a, b) => a - b));
  });

  test.each<[string, Program]>([
    ['nothing shared', [['a', 'b'], ['c', 'd'], ['e']]],
    [
      'one key shared',
      [
        ['a', 'x', 'b'],
        ['c', 'x', 'd'],
      ],
    ],
    ['two keys, crossed', [['x', 'y'], ['y', 'x'], ['x']]],
    [
      'all shared',
      [
        ['x', 'x'],
        ['x', 'x'],
      ],
    ],
  ])('sleep sets meet the same outcomes with fewer orders: %s', async (_name, program) => {
    const full = await outcomes(program, everything);
    const reduced = await outcomes(program, { ...everything, reduce: true });
    expect([...reduced.seen.keys()].sort()).toEqual([...full.seen.keys()].sort());
    // Exactly one order for each outcome: here an outcome is a class of equivalent orders.
    expect(reduced.end.executions).toBe(full.seen.size);
    expect(reduced.end.exhausted).toBe(true);
  });

  test('of identical actors only one order of their first steps is run', async () => {
    const program = [
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ];
    const { end } = await outcomes(program, { ...everything, symmetry: [0, 0, 0] });
    expect(end.executions).toBe(90 / 6);
  });

  test('an identical actor whose reply is lost has begun: its twin may go next', async () => {
    const bound = { events: 1, preemptions: undefined, preemptionsWithEvent: undefined };
    const visited = async (symmetry: readonly number[] | undefined): Promise<Set<string>> => {
      const orders = new Set<string>();
      const search = new Search({ ...everything, bound, symmetry });
      await search.run(loseReplies, ({ tokens }) => {
        orders.add(tokens.join(''));
        return 'go on';
      });
      return orders;
    };
    const renamed = (order: string): string =>
      order.replace(/[AB]/g, letter => (letter === 'A' ? 'B' : 'A'));
    const alike = await visited([0, 0]);
    const all = await visited(undefined);
    const missing = [...all].filter(order => !alike.has(order) && !alike.has(renamed(order)));
    expect(missing).toEqual([]);
    expect(alike.size).toBeLessThan(all.size);
  });

  test('simple orders are visited whatever they equal, and no outcome is lost', async () => {
    const apart: Program = [
      ['a', 'x', 'b'],
      ['c', 'x', 'd'],
    ];
    const simple = { events: 0, preemptions: 1, preemptionsWithEvent: 0 };
    const full = await outcomes(apart, everything);
    const reduced = await outcomes(apart, { ...everything, reduce: true, simple });
    const bounded = await outcomes(apart, { ...everything, bound: simple });
    expect([...reduced.seen.keys()].sort()).toEqual([...full.seen.keys()].sort());
    expect(reduced.schedules).toEqual(expect.arrayContaining(bounded.schedules));
    expect(reduced.end.executions).toBeLessThan(full.end.executions);
  });

  test('a run that meets other choices than before is nondeterministic', async () => {
    let run = 0;
    const search = new Search(everything);
    const wavering = search.run(
      async scheduler => {
        run++;
        interpret([[run === 1 ? 'a' : 'b', 'a'], ['a']], scheduler);
      },
      () => 'go on',
    );
    await expect(wavering).rejects.toThrow(Nondeterministic);
  });

  test('a budget ends it, and it says that it is not exhausted', async () => {
    const plan = { ...everything, executionsMax: 5 };
    const { end } = await outcomes(
      [
        ['a', 'a', 'a'],
        ['a', 'a', 'a'],
      ],
      plan,
    );
    expect(end).toMatchObject({ executions: 5, exhausted: false, stopped: true });
    expect(end.covered).toBeLessThan(1);
  });
});

describe('random schedules', () => {
  const program = [
    ['a', 'a', 'x', 'a'],
    ['b', 'x', 'b', 'b'],
    ['c', 'c', 'c', 'x'],
  ];
  const draw = async (seed: number, count: number): Promise<string[]> => {
    const random = new RandomSchedules(seed, 0);
    const drawn: string[] = [];
    for (let at = 0; at < count; at++) {
      const { tokens } = await random.draw(async scheduler => {
        interpret(program, scheduler);
      });
      drawn.push(tokens.join(''));
    }
    return drawn;
  };

  test('repeat with their seed, and differ with another', async () => {
    expect(await draw(1, 20)).toEqual(await draw(1, 20));
    expect(await draw(1, 20)).not.toEqual(await draw(2, 20));
  });

  test('are whole runs, and many different ones', async () => {
    const drawn = await draw(3, 200);
    expect(new Set(drawn.map(tokens => tokens.length))).toEqual(new Set([12]));
    expect(new Set(drawn).size).toBeGreaterThan(60);
  });
});

describe('a schedule string', () => {
  test('is read back as it was written', () => {
    const steps = ['A', 'A2', 'A12', '+A', '+A2', 'b', '^B', '^B3', 'C'];
    const events = ['!C', '?A', '?A2', '%1', '%12', '#', '~A', '*B', '@A', '&A', 'C'];
    const tokens = [...steps, ...events];
    expect(parseSchedule(formatSchedule(tokens))).toEqual({ version: 2, tokens });
  });

  test('of version 1 is read, too', () => {
    const tokens = ['A', 'A1', 'b', '!C', '?A', '^B', '%', '#'];
    expect(parseSchedule(`v1:${tokens.join('')}`)).toEqual({ version: 1, tokens });
  });

  test('of another version, or with a slip, is refused', () => {
    expect(() => parseSchedule('v3:AB')).toThrow(/begins with v2: or v1:, got 'v3:AB'/);
    expect(() => parseSchedule('v2:AB?')).toThrow(/from '\?'/);
  });

  test('tells serial orders from others', () => {
    expect(isSerial(['B', '+B', 'b', 'A', 'A2'])).toBe(true);
    expect(isSerial(['B', 'A', 'B'])).toBe(false);
  });
});
