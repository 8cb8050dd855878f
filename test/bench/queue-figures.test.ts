import { describe, expect, test } from 'vitest';
import { figuresOf, jainOf, targetsOf } from '../../bench/floors/queue/figures.ts';

const told = (own: object = {}) => ({ waitsMs: [], turns: [], sections: [], givenUp: 0, ...own });

describe("Jain's index", () => {
  test.each([
    ['all the same', [5, 5, 5, 5], 1],
    ['one gets all', [8, 0, 0, 0], 0.25],
    ['half get nothing', [3, 3, 0, 0], 0.5],
  ])('%s', (_, shares, expected) => {
    expect(jainOf(shares)).toBeCloseTo(expected);
  });

  test('nobody got anything', () => {
    expect(jainOf([0, 0])).toBeNaN();
  });
});

describe('a contest', () => {
  test('counts sections that met, whichever process ran them', () => {
    const a = told({ sections: [[0, 10] as [number, number], [30, 40] as [number, number]] });
    const b = told({ sections: [[10, 20] as [number, number], [35, 45] as [number, number]] });
    expect(figuresOf([a, b], 2)).toMatchObject({ turns: 4, perSecond: 2, overlaps: 1 });
  });

  test('adds waits and what was given up over all processes', () => {
    const a = told({ waitsMs: [1, 2, 3], turns: [2, 1], givenUp: 1 });
    const b = told({ waitsMs: [100], turns: [1], givenUp: 2 });
    const figures = figuresOf([a, b], 1);
    expect(figures).toMatchObject({ waitP50Ms: 2, waitP99Ms: 100, waitMaxMs: 100, givenUp: 3 });
    expect(figures.jain).toBeCloseTo(16 / 18);
  });
});

test('each target compares what it says, in the direction that it says', () => {
  const of = (perSecond: number, waitP50Ms: number, waitP99Ms: number, jain = 1) => ({
    ...figuresOf([], 1),
    perSecond,
    waitP50Ms,
    waitP99Ms,
    jain,
  });
  const met = (...given: Parameters<typeof targetsOf>) => targetsOf(...given).map(one => one.met);
  const floors = { floor: of(1_000, 0, 0), baton: of(850, 0, 0) };
  expect(met(floors, of(800, 40, 50), of(300, 40, 900))).toEqual(Array(6).fill(true));
  expect(met(floors, of(700, 40, 70, 0.9), of(300, 40, 600))).toEqual(Array(6).fill(false));
});
