/** Compares two runs of one instrument, cell by cell. Pure. */

import { phaseNames } from '../compare/schema.ts';
import { placeOf, type Summary } from '../compare/summary.ts';
import { type Difference, differencesOf, type Pair } from '../lab/differences.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import type { Conditions } from '../lab/shapes.ts';
import type { BenchSummary, FigureName } from '../load/summary.ts';
import { figure, percent } from '../page/format.ts';
import { numbers, type Report, type Row, type Section, words } from '../page/report.ts';

/** One run, in what can be compared. */
export interface ComparedRun {
  readonly startedAt: string;
  /** Name and value of each condition under which figures compare. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly cells: readonly ComparedCell[];
}

interface ComparedCell {
  readonly name: string;
  readonly verdict: string;
  readonly figures: readonly Omit<Pair, 'cell' | 'before' | 'after'>[];
  /** A value per repetition. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

const shownOfLoad: readonly (readonly [FigureName, Pair['better']])[] = [
  ['goodputPerSecond', 'higher'],
  ['serviceMs', 'lower'],
  ['acceptedP50Ms', 'lower'],
  ['acceptedP99Ms', 'lower'],
  ['attemptsPerAccepted', 'lower'],
  ['statementsPerAccepted', null],
  ['redisPerAccepted', null],
  ['walPerAccepted', null],
];

/** A run of `load`. */
export function comparedLoad({ plan, rows }: BenchSummary): ComparedRun {
  const { conditions, workload } = plan;
  return {
    startedAt: plan.startedAt,
    facts: [...factsOf(conditions), ['rate', String(workload.ratePerSecond)]],
    cells: rows.map(row => ({
      name: row.name,
      verdict: row.observed,
      figures: shownOfLoad.map(([name, better]) => ({ figure: name, better })),
      values: Object.fromEntries(
        shownOfLoad.map(([name]) => [name, row.figures[name]?.values ?? []]),
      ),
    })),
  };
}

/** A run of `compare`: costs as multiples of the control's in the same repetition, so that a slower machine cancels out. */
export function comparedRun({ startedAt, conditions, plan, cells }: Summary): ComparedRun {
  return {
    startedAt,
    facts: [
      ...factsOf(conditions),
      ['processes', String(plan.processes)],
      ['callers per key', String(plan.rivals)],
    ],
    cells: cells.flatMap(cell => {
      const control = cells.find(one => one.strategy.control && placeOf(one) === placeOf(cell));
      if (!cell.phases || !control?.phases || control === cell) return [];
      const { phases } = cell;
      const base = control.phases;
      const ratios = phaseNames.map(name => {
        const values = phases[name].costs.flatMap((cost, block) => {
          const other = base[name].costs[block];
          return cost !== null && other ? [cost / other] : [];
        });
        return [`${name}, × control`, values] as const;
      });
      return [
        {
          name: `${placeOf(cell)} ${cell.strategy.name}`,
          verdict: cell.verdict.observed,
          figures: ratios.map(([name]) => ({ figure: name, better: 'lower' as const })),
          values: Object.fromEntries(ratios),
        },
      ];
    }),
  };
}

function factsOf(conditions: Conditions | null): ComparedRun['facts'] {
  if (!conditions) return [['conditions', 'unknown: a remote service']];
  const { machine, node, postgres, redis } = conditions;
  return [
    ['machine', machine.processor],
    ['cores', String(machine.cores)],
    ['Node', node],
    ['Postgres', postgres.version],
    ['Redis', redis.version],
  ];
}

export interface RunsCompared {
  readonly report: Report;
  /** Differences beyond chance to the worse, by more than the limit; verdicts that changed; cells that are gone. */
  readonly regressions: readonly string[];
  /** Figures that could not be told from chance, so that no regression among them says nothing. */
  readonly untested: number;
  readonly tested: number;
}

/** Without a limit nothing is asked. With one, figures that were not tested have not passed. */
export function diffExit(
  { regressions, untested, tested }: Omit<RunsCompared, 'report'>,
  limit: number | undefined,
): ExitCode {
  if (limit === undefined) return exitCodes.asClaimed;
  if (regressions.length > 0) return exitCodes.claimBroken;
  return untested > 0 || tested === 0 ? exitCodes.inconclusive : exitCodes.asClaimed;
}

/** The figures of the cells in both runs. `limit`: the share by which a figure may be worse. */
export function runsCompared(
  before: ComparedRun,
  after: ComparedRun,
  limit: number | undefined,
): RunsCompared {
  const shared = before.cells.flatMap(cell => {
    const other = after.cells.find(one => one.name === cell.name);
    return other ? [{ cell, other }] : [];
  });
  const differences = differencesOf(
    shared.flatMap(({ cell, other }) =>
      cell.figures.map(one => ({
        ...one,
        cell: cell.name,
        before: cell.values[one.figure] ?? [],
        after: other.values[one.figure] ?? [],
      })),
    ),
  );
  const changed = shared
    .filter(({ cell, other }) => cell.verdict !== other.verdict)
    .map(({ cell, other }) => `${cell.name}: ${cell.verdict}, now ${other.verdict}`);
  const worse = differences
    .filter(one => one.verdict === 'worse' && limit !== undefined && Math.abs(one.share) > limit)
    .map(one => `${one.cell}: ${one.figure} ${signed(one.share)}`);
  const only = (some: ComparedRun, others: ComparedRun): string[] =>
    some.cells.map(({ name }) => name).filter(name => others.cells.every(one => one.name !== name));
  const gone = only(before, after).map(name => `${name}: not in the second run`);
  const unlike = before.facts.flatMap(([name, was]) => {
    const is = after.facts.find(([other]) => other === name)?.[1] ?? 'unknown';
    return was === is ? [] : [`Different conditions: ${name} ${was} and ${is}.`];
  });
  return {
    regressions: limit === undefined ? [] : [...changed, ...gone, ...worse],
    untested: untestedIn(differences),
    tested: differences.length - untestedIn(differences),
    report: {
      title: `${before.startedAt} and ${after.startedAt}`,
      answer: answerOf(differences),
      warnings: unlike,
      sections: [
        ...listed('Verdicts that changed', changed),
        tableOf(differences),
        ...listed('Only in the first run', only(before, after)),
        ...listed('Only in the second run', only(after, before)),
      ],
    },
  };
}

function answerOf(differences: readonly Difference[]): string {
  const found = differences.filter(one => ['better', 'worse', 'other'].includes(one.verdict));
  const untested = untestedIn(differences);
  const rest =
    untested > 0 ? ` ${untested} need a second repetition in each run to be tested.` : '';
  return `${found.length} of ${differences.length} figures differ beyond chance.${rest}`;
}

function untestedIn(differences: readonly Difference[]): number {
  return differences.filter(one => one.verdict === 'not tested').length;
}

function tableOf(differences: readonly Difference[]): Section {
  return {
    title: 'In both runs',
    blocks: [
      'Means over the repetitions. ~: no difference was found. Welch’s test at 5 %, corrected for all figures in the table (Holm).',
      {
        kind: 'table',
        caption: 'In both runs',
        columns: [
          ...words('cell', 'figure'),
          ...numbers('before', 'after', 'difference', '± 95 %'),
          ...words('verdict'),
        ],
        rows: differences.map(rowOf),
      },
    ],
  };
}

const marks: Readonly<Record<Difference['verdict'], string>> = {
  better: 'better',
  worse: 'WORSE',
  other: 'differs',
  same: '~',
  'not tested': 'not tested',
};

function rowOf(one: Difference): Row {
  return {
    cells: [
      one.cell,
      one.figure,
      figure(one.meanBefore),
      figure(one.meanAfter),
      signed(one.share),
      one.plusMinus === undefined ? '–' : percent(one.plusMinus),
      { text: marks[one.verdict], strong: !['same', 'not tested'].includes(one.verdict) },
    ],
    broken: one.verdict === 'worse',
  };
}

function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
}

function listed(title: string, names: readonly string[]): readonly Section[] {
  return names.length > 0 ? [{ title, blocks: [{ kind: 'list', items: names }] }] : [];
}
