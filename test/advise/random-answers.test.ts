import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Column, cellIn, type Evidence } from '../../bench/advise/evidence.ts';
import { judge } from '../../bench/advise/judge.ts';
import { type Need, needsOf } from '../../bench/advise/needs.ts';
import {
  type Answers,
  answersFrom,
  type QuestionName,
  questionNames,
  questions,
} from '../../bench/advise/questions.ts';
import { committedEvidence } from '../../bench/advise/read.ts';

let evidence: Evidence;
beforeAll(async () => {
  evidence = await committedEvidence();
});

function anAnswer(name: QuestionName): fc.Arbitrary<unknown> {
  const question = questions[name];
  if (question.kind === 'amount')
    return fc.double({ min: question.least, max: Math.min(question.most, 5_000), noNaN: true });
  const words = Object.keys(question.choices);
  return question.kind === 'one' ? fc.constantFrom(...words) : fc.subarray(words);
}

const someAnswers: fc.Arbitrary<Answers> = fc
  .record(Object.fromEntries(questionNames.map(name => [name, anAnswer(name)])))
  .map(said => answersFrom(said).answers);

const values = ['✓', 'none', 'steps', 'any', 'no row', 'not needed', 'safe', 'the lease', 'SQL'];

/** The evidence with one cell as the need wants it. */
function filled(before: Evidence, strategy: string, { column, accepts }: Need): Evidence {
  const value = values.find(accepts) ?? '';
  switch (column.table) {
    case 'matrix': {
      const rest = before.verdicts.filter(
        one => one.strategy !== strategy || one.place !== column.place,
      );
      const cell = { place: column.place, strategy, mark: value, because: 'flipped' };
      return { ...before, verdicts: [...rest, cell] };
    }
    case 'faults': {
      const { fault, place } = column;
      const rest = before.strikes.filter(one => one.strategy !== strategy || one.fault !== fault);
      const struck = { title: fault, phase: 'written', because: 'flipped', mark: value };
      return { ...before, strikes: [...rest, { fault, place, strategy, ...struck }] };
    }
    case 'facts':
      return {
        ...before,
        strategies: before.strategies.map(one =>
          one.name === strategy ? { ...one, facts: { ...one.facts, [column.fact]: value } } : one,
        ),
      };
  }
}

const statusIn = (known: Evidence, answers: Answers, name: string) => {
  const { admissible, excluded, unknown } = judge(known, answers);
  return [...admissible, ...excluded, ...unknown].find(({ strategy }) => strategy.name === name);
};

const isSame = (a: Column, b: Column): boolean => JSON.stringify(a) === JSON.stringify(b);

describe('whatever is answered,', () => {
  test('every strategy is judged once', () => {
    fc.assert(
      fc.property(someAnswers, answers => {
        const { admissible, excluded, unknown } = judge(evidence, answers);
        const names = [...admissible, ...excluded, ...unknown].map(one => one.strategy.name);
        expect(names.toSorted()).toEqual(evidence.strategies.map(({ name }) => name).toSorted());
      }),
      { numRuns: 200 },
    );
  });

  test('what is excluded cites cells that exist, and flipped they readmit it', () => {
    fc.assert(
      fc.property(someAnswers, fc.nat(), (answers, pick) => {
        const { excluded } = judge(evidence, answers);
        const one = excluded[pick % excluded.length];
        if (!one) return;
        const { name } = one.strategy;
        expect(one.against.length).toBeGreaterThan(0);
        const needs = needsOf(answers);
        let known = evidence;
        for (const { cell } of one.against) {
          expect(cellIn(evidence, name, cell.column)).toEqual(cell);
          expect(cell.replay).not.toBe('');
          expect(statusIn(known, answers, name)?.status).toBe('excluded');
          for (const need of needs.filter(({ column }) => isSame(column, cell.column)))
            known = filled(known, name, need);
        }
        const readmitted = statusIn(known, answers, name);
        expect(readmitted?.against).toEqual([]);
        for (const { column } of one.missing)
          for (const need of needs.filter(other => isSame(other.column, column)))
            known = filled(known, name, need);
        expect(statusIn(known, answers, name)?.status).toBe('admissible');
      }),
      { numRuns: 200 },
    );
  });

  test('nothing admissible has a ✗ or a ? in a cell that the answers need, nor a gap', () => {
    fc.assert(
      fc.property(someAnswers, answers => {
        const enough = answers.duplicate === 'harms' ? ['✓', '–'] : ['✓', '–', '~', '~✗'];
        for (const { strategy } of judge(evidence, answers).admissible)
          for (const { column } of needsOf(answers)) {
            const cell = cellIn(evidence, strategy.name, column);
            expect(cell, `${strategy.name} ${JSON.stringify(column)}`).toBeDefined();
            if (column.table === 'matrix') expect(cell?.value).toBe('✓');
            if (column.table === 'faults') expect(enough).toContain(cell?.value);
          }
      }),
      { numRuns: 200 },
    );
  });

  test('what nobody measured is not known, and never admissible', () => {
    fc.assert(
      fc.property(someAnswers, fc.nat(), (answers, pick) => {
        const { admissible } = judge(evidence, answers);
        const one = admissible[pick % Math.max(1, admissible.length)];
        if (!one) return;
        const { name } = one.strategy;
        const blind: Evidence = {
          ...evidence,
          verdicts: evidence.verdicts.filter(({ strategy }) => strategy !== name),
        };
        expect(statusIn(blind, answers, name)?.status).toBe('not known');
        const doubtful = evidence.verdicts.map(cell => ({ ...cell, mark: '?' }));
        expect(judge({ ...evidence, verdicts: doubtful }, answers).admissible).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('the cheaper comes first, and nobody is placed without a measured cost', () => {
    fc.assert(
      fc.property(someAnswers, answers => {
        const { admissible, place } = judge(evidence, answers);
        const ranks = admissible.map(({ rank }) => rank ?? Number.POSITIVE_INFINITY);
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        for (const { rank, price } of admissible) {
          expect(rank === undefined).toBe(price === undefined);
          if (price) expect(price.measured.place).toBe(place);
        }
      }),
      { numRuns: 100 },
    );
  });
});
