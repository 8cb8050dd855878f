import { describe, expect, test } from 'vitest';
import type { Choice } from '../../src/explore/search/choice.ts';
import type { Scheduler } from '../../src/explore/search/scheduler.ts';
import { Search } from '../../src/explore/search/search.ts';

const step = (token: string): Choice => {
  return { token, legacy: token, kind: 'step', actor: token.charCodeAt(0) - 65, shape: token };
};
const everything = {
  bound: { events: 0, preemptions: undefined, preemptionsWithEvent: undefined },
  executionsMax: 10_000,
  outOfTime: () => false,
  reduce: false,
  simple: undefined,
  symmetry: undefined,
};

/** A frees B and C; whom the server lets go first is told by `bFirst`, and that one's two steps and A's last meet. */
function program(bFirst: () => boolean, raced = true) {
  return async (scheduler: Scheduler): Promise<void> => {
    const nothing = { previous: undefined, touched: undefined };
    scheduler.next({ ...nothing, choices: [step('A')] });
    const first = bFirst() ? 'B' : 'C';
    const rest = first === 'B' ? 'C' : 'B';
    const left = new Map([
      ['A', 1],
      [first, 2],
    ]);
    let isRaced = raced;
    for (;;) {
      const choices = [...left].filter(([, steps]) => steps > 0).map(([token]) => step(token));
      if (choices.length === 0) {
        if (left.has(rest)) return;
        left.set(rest, 1);
        continue;
      }
      const choice = scheduler.next({ ...nothing, choices, raced: isRaced });
      isRaced = false;
      if (choice === undefined) return;
      left.set(choice.token, (left.get(choice.token) ?? 0) - 1);
    }
  };
}

/** B two times out of three. */
function mostlyB(): () => boolean {
  let runs = 0;
  return () => runs++ % 3 !== 1;
}

async function visitedOf(execute: ReturnType<typeof program>) {
  const seen: string[] = [];
  const end = await new Search(everything).run(execute, ({ tokens }) => {
    seen.push(tokens.join(''));
    return 'go on';
  });
  return { seen, end };
}

describe('who of several waiters the server lets go first', () => {
  test('makes two trees, and each order of both is run once', async () => {
    const { seen, end } = await visitedOf(program(mostlyB()));
    expect(seen.toSorted()).toEqual(['AABBC', 'AACCB', 'ABABC', 'ABBAC', 'ACACB', 'ACCAB']);
    expect(end).toMatchObject({ exhausted: true, unrepeated: 0, executions: 6 });
  });

  test('may never be chosen so again: what follows it is counted as left out', async () => {
    let runs = 0;
    const { seen, end } = await visitedOf(program(() => runs++ !== 0));
    expect(seen.toSorted()).toEqual(['AABBC', 'AACCB', 'ABABC', 'ABBAC']);
    expect(end.unrepeated).toBeGreaterThan(0);
    expect(runs).toBeLessThan(300);
  });

  test('excuses no other difference', async () => {
    await expect(visitedOf(program(mostlyB(), false))).rejects.toThrow('before, ');
  });
});
