import { beforeAll, describe, expect, test } from 'vitest';
import { type Advice, advise } from '../../bench/advise/advise.ts';
import { columnName, type Evidence } from '../../bench/advise/evidence.ts';
import { type Answers, answersFrom } from '../../bench/advise/questions.ts';
import { committedEvidence } from '../../bench/advise/read.ts';
import { discussions, incidents, type Told } from './cases.ts';

let evidence: Evidence;
beforeAll(async () => {
  evidence = await committedEvidence();
});

const adviceFor = (answers: Partial<Answers>): Advice => advise(evidence, answersFrom(answers));
const admissibleIn = ({ judgement }: Advice) => judgement.admissible.map(one => one.strategy.name);

/** The columns that speak against a strategy. */
function againstIn({ judgement }: Advice, name: string): string[] {
  const found = judgement.excluded.find(({ strategy }) => strategy.name === name);
  return found?.against.map(({ cell }) => columnName(cell.column)) ?? [];
}

function missingIn({ judgement }: Advice, name: string): string[] {
  const found = judgement.unknown.find(({ strategy }) => strategy.name === name);
  return found?.missing.map(({ column }) => columnName(column)) ?? [];
}

/** A fault is named with where it was struck. */
const namesColumn = (columns: readonly string[], wanted: string): boolean =>
  columns.some(one => one === wanted || one.startsWith(`${wanted} (`));

function holdsFor(told: Told): void {
  const { answers, cures, takes = cures, fewestTrips, against, unknown = {} } = told;
  const advice = adviceFor(answers);
  if (fewestTrips !== undefined && evidence.costs) waitsLeast(advice, fewestTrips);
  expect(admissibleIn(advice)).toEqual(expect.arrayContaining([...cures]));
  expect(takes).toContain(advice.take?.strategy.name);
  for (const [name, column] of Object.entries(against)) {
    const columns = againstIn(advice, name);
    expect(namesColumn(columns, column), `${name}: ${columns.join(', ')}`).toBe(true);
  }
  for (const [name, column] of Object.entries(unknown))
    expect(missingIn(advice, name), name).toContain(column);
}

/** Round trips are counted, and do not hang on how busy a machine was. */
function waitsLeast({ judgement }: Advice, name: string): void {
  const trips = judgement.admissible.map(({ strategy, price }) => ({
    name: strategy.name,
    trips: price?.measured.trips.alone.postgres ?? Number.NaN,
  }));
  const least = trips.toSorted((a, b) => a.trips - b.trips)[0];
  expect(least?.name, JSON.stringify(trips)).toBe(name);
}

describe('an account leads to its own cure, or to a better one:', () => {
  test.each(Object.entries(incidents))('%s', (_, told) => holdsFor(told));

  test('a crash between the payment and its record is no matter of locks', () => {
    const bare = { shape: 'value-of-a-row', outside: 'bare', redis: 'none' } as const;
    const advice = adviceFor(bare);
    expect(advice.take).toBeUndefined();
    const keyed = advice.changes.filter(
      ({ question, answers }) => question === 'outside' && answers.outside === 'keyed',
    );
    expect(keyed.map(({ admits }) => admits.includes('row-lock'))).toEqual([true]);
  });

  test('with time for the migration the constraint is possible', () => {
    const told = incidents['a payroll reversal without a migration']?.answers ?? {};
    const { judgement } = adviceFor({ ...told, migration: ['constraint'] });
    const names = judgement.admissible.map(({ strategy }) => strategy.name);
    expect(names).toContain('unique-slots');
  });
});

describe('a public discussion ends where its constraints lead:', () => {
  test.each(Object.entries(discussions))('%s', (_, told) => holdsFor(told));

  test('the form that chooses in a subquery is shown as a trap', () => {
    const { traps } = adviceFor(discussions['the next job of a queue']?.answers ?? {});
    const failing = traps.map(({ place, cells }) => [place, cells.map(cell => cell.strategy)]);
    expect(failing).toContainEqual(['coupon/chosen-in-subquery', ['atomic-update']]);
  });
});

test('writers that take no part leave nothing that is known to be safe', () => {
  const advice = adviceFor({ shape: 'at-most-one', writers: 'yes', constraint: 'yes' });
  expect(advice.take).toBeUndefined();
  expect(againstIn(advice, 'unique-slots')).toEqual(['writers']);
});

test('nobody measured a hold over several transactions', () => {
  const advice = adviceFor({ shape: 'value-of-a-row', longer: 'yes', redis: 'one' });
  expect(advice.take).toBeUndefined();
  expect(againstIn(advice, 'row-lock')).toEqual(['held']);
  expect(missingIn(advice, 'redis-lease-fenced')).toEqual(['held over several transactions']);
});
