import { describe, expect, test } from 'vitest';
import { randomOf } from '../../bench/lab/random.ts';
import { boundMissed, simulate, type Traffic } from '../../bench/rollout/gate-simulation.ts';
import type { ArmCounts } from '../../src/rollout/gate/arms.ts';
import { eValueOf, noEvidence, weighed } from '../../src/rollout/gate/comparison.ts';
import { secondsOf, stepCount, stepOf, stepsOf } from '../../src/rollout/gate/durations.ts';
import { boundOf } from '../../src/rollout/gate/exposure.ts';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import { Tally } from '../../src/rollout/gate/tally.ts';
import { nothingCompared, verdictOf } from '../../src/rollout/gate/verdict.ts';

const arm = { medianMs: 5, busy: 0.05, failed: 0.001 };
const traffic: Traffic = {
  ...{ old: arm, new: arm, looks: 50, spread: 0.5 },
  perLook: { old: 40, new: 40 },
};
const runs = 400;

describe('the bound of the exposure', () => {
  test('is 1 - 0.05^(1/n): 59 clean keys bound 5 %, 299 bound 1 %', () => {
    expect(boundOf(0)).toBe(1);
    expect(boundOf(58)).toBeGreaterThan(0.05);
    expect(boundOf(59)).toBeLessThan(0.05);
    expect(boundOf(298)).toBeGreaterThan(0.01);
    expect(boundOf(299)).toBeLessThan(0.01);
  });

  test.each([0.2, 0.02])(
    'holds at every look in 95 of 100 runs, where %d of the keys break',
    share => {
      const random = randomOf(1, `bound ${share}`);
      const missed = Array.from({ length: 4_000 }, () => boundMissed(share, 1_000, random));
      const rate = missed.filter(Boolean).length / missed.length;
      expect(rate).toBeLessThan(0.06); // 5 %, and three deviations
      expect(rate).toBeGreaterThan(0.02); // it is no wider than it must be
    },
  );
});

describe('the comparison', () => {
  test('calls equal arms unequal in 5 of 100 rollouts at most, where a test at each look does in 30', () => {
    const random = randomOf(1, 'equal arms');
    const called = Array.from({ length: runs }, () => simulate(traffic, random));
    expect(called.filter(({ gate }) => gate !== undefined).length / runs).toBeLessThan(0.05);
    expect(called.filter(({ naive }) => naive !== undefined).length / runs).toBeGreaterThan(0.25);
  });

  test('sees 20 % more of the time, and a tenth of the commands that end busy', () => {
    const random = randomOf(1, 'unequal arms');
    for (const worse of [
      { ...arm, medianMs: 6 },
      { ...arm, busy: 0.1 },
    ]) {
      const seen = Array.from({ length: 20 }, () => simulate({ ...traffic, new: worse }, random));
      expect(seen.filter(({ gate }) => gate !== undefined).length).toBeGreaterThan(18);
    }
  });

  test('does not speak against a new arm that is better', () => {
    const random = randomOf(1, 'better');
    const better = { medianMs: 3, busy: 0.01, failed: 0 };
    const called = Array.from({ length: 50 }, () => simulate({ ...traffic, new: better }, random));
    expect(called.filter(({ gate }) => gate !== undefined)).toEqual([]);
  });

  test('is an e-value for each block: its mean is 1 at most, whatever the common proportion is', () => {
    const before = { ...noEvidence, old: { hits: 10, all: 100 }, new: { hits: 30, all: 100 } };
    for (const tolerated of [0, 0.05])
      for (const proportion of [0.01, 0.15, 0.5, 0.9]) {
        // where so much is tolerated, the new one may have that much more
        const allowed = proportion + tolerated * (1 - proportion);
        expect(meanOf(before, [3, proportion], [2, allowed], tolerated)).toBeLessThan(1 + 1e-9);
      }
    expect(meanOf(before, [3, 0.1], [2, 0.5], 0)).toBeGreaterThan(1);
  });
});

/** The exact mean of what one block multiplies by. */
function meanOf(
  before: typeof noEvidence,
  [n, p]: readonly [number, number],
  [m, q]: readonly [number, number],
  tolerated: number,
): number {
  let mean = 0;
  for (let a = 0; a <= n; a += 1)
    for (let b = 0; b <= m; b += 1) {
      const block = { old: { hits: a, all: n }, new: { hits: b, all: m } };
      mean += binomial(n, a, p) * binomial(m, b, q) * eValueOf(weighed(before, block, tolerated));
    }
  return mean;
}

function binomial(n: number, k: number, p: number): number {
  let ways = 1;
  for (let index = 1; index <= k; index += 1) ways = (ways * (n - k + index)) / index;
  return ways * p ** k * (1 - p) ** (n - k);
}

describe('durations', () => {
  test('are in steps of a tenth, and none is told shorter than it was', () => {
    for (const seconds of [0, 0.0001, 0.00011, 0.0049, 0.25, 59]) {
      const step = stepOf(seconds);
      expect(secondsOf(step)).toBeGreaterThanOrEqual(seconds - 1e-12);
      expect(step).toBeLessThan(stepCount);
    }
    expect(stepOf(1e9)).toBe(stepCount - 1);
    expect([stepsOf(1), stepsOf(1.1), stepsOf(2)]).toEqual([0, 1, 8]);
  });
});

const settings = gateShape.parse({ contestedKeys: 3, commands: 10 });

const counts = (name: ArmCounts['arm'], more: Partial<ArmCounts> = {}): ArmCounts => ({
  ...{ arm: name, commands: 50, drawn: 50, busy: 0, failed: 0, unknown: 0, tries: {} },
  ...{ durations: [50], contested: 5, audited: 5, clean: 5, ...more },
});

describe('the verdict', () => {
  const evidence = { ...noEvidence, old: { hits: 0, all: 50 }, new: { hits: 0, all: 50 } };
  const compared = {
    ...nothingCompared,
    evidence: { ...nothingCompared.evidence, busy: evidence },
  };
  const of = (clean: number) =>
    verdictOf(new Map([['new', counts('new', { clean })]]), compared, settings).verdict;

  test('is inconclusive until enough was contested and compared', () => {
    expect(of(2)).toBe('Inconclusive');
    expect(of(3)).toBe('Successful');
    expect(verdictOf(new Map(), nothingCompared, settings).verdict).toBe('Inconclusive');
    const nothing = new Map([['new', counts('new')]]);
    expect(verdictOf(nothing, nothingCompared, settings).verdict).toBe('Inconclusive');
  });

  test('is failed where the evidence is 20 to 1, over all criteria together', () => {
    const against = (value: number) => {
      const busy = { ...evidence, logs: evidence.logs.map(() => Math.log(value)) };
      const told = { ...compared, evidence: { ...compared.evidence, busy } };
      return verdictOf(new Map([['new', counts('new')]]), told, settings).verdict;
    };
    expect([against(90), against(97)]).toEqual(['Successful', 'Failed']);
  });
});

describe('what a process counts', () => {
  const rollout = { id: '7', scenario: 's', variant: 'v', from: 'a', to: 'b' };
  const cell = { scenario: 's', variant: 'v', strategy: 'b' };
  const shadowOf = (from: string, to: string): string => `${from} tries ${to}`;

  function counting() {
    let atMs = 1_000_000;
    const tally = new Tally({ shadowOf, now: () => atMs, random: () => 0.4 });
    tally.watch([rollout]);
    const ended = (
      key: string,
      seconds: number,
      kind: 'accepted' | 'refused' | 'busy' = 'accepted',
    ) => {
      atMs += 10;
      tally.ended({ ...cell, key, seconds, kind });
      return atMs;
    };
    return { tally, ended };
  }

  test('is told apart by what decided', () => {
    const { tally } = counting();
    for (const strategy of ['a', 'b', 'b', 'a tries b', 'both:a+b'])
      tally.ended({ ...cell, strategy, key: '1', seconds: 0.01, kind: 'accepted' });
    tally.ended({ ...cell, variant: 'other', key: '1', seconds: 0.01, kind: 'accepted' });
    const told = tally.take().map(({ arm: name, commands }) => [name, commands]);
    expect(told).toEqual([
      ['old', 1],
      ['new', 2],
      ['shadow', 1],
    ]);
    expect(tally.take()).toEqual([]);
  });

  test('is one command of each key that ends within a second', () => {
    const { tally, ended } = counting();
    for (let index = 0; index < 40; index += 1) ended('hot', 0.001);
    ended('cold', 0.001, 'busy');
    expect(tally.take()).toMatchObject([{ commands: 41, drawn: 2, busy: 1 }]);
  });

  test('is a contested key where two overlapped and one was accepted, once it is audited', () => {
    const { tally, ended } = counting();
    ended('1', 0.001);
    ended('1', 0.001); // one after the other
    ended('2', 0.02, 'refused');
    ended('2', 0.02, 'refused'); // nobody got in
    expect(tally.take()).toMatchObject([{ contested: 0 }]);
    ended('3', 0.02);
    const contestedMs = ended('3', 0.02, 'refused');
    tally.audited('s', ['3'], contestedMs - 1); // began before: it may not have seen it
    expect(tally.take()).toMatchObject([{ contested: 1, audited: 0, candidate: null }]);
    tally.audited('s', ['3', '4'], contestedMs + 1);
    const [told] = tally.take();
    expect(told).toMatchObject({ arm: 'new', commands: 0, audited: 1 });
    expect(told?.candidate).toMatch(/^[\da-f]{16}$/);
    tally.audited('s', ['3'], contestedMs + 2);
    expect(tally.take()).toEqual([]);
  });

  test('is nothing without a rollout', () => {
    const { tally, ended } = counting();
    ended('1', 0.01);
    tally.watch([]);
    ended('1', 0.01);
    expect(tally.take()).toEqual([]);
  });
});
