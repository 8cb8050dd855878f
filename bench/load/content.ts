/** The content of a load report, as sections of tables; Markdown, HTML and CSV only render them. */

import { blocksMin } from '../lab/ranking.ts';
import { sampledNote } from '../lab/sampled.ts';
import { figure, percent } from '../page/format.ts';
import { numbers, type Section, verdicts, words } from '../page/report.ts';
import { differs, type Estimate } from './estimate.ts';
import type { BenchSummary, CellRow, FigureName } from './summary.ts';
import { sweepSections } from './sweeps.ts';

/** "12.3 ± 0.4"; without an interval for a single repetition. */
export function estimate(value: Estimate | undefined): string {
  if (!value) return '–';
  return value.plusMinus === null
    ? figure(value.mean)
    : `${figure(value.mean)} ± ${figure(value.plusMinus)}`;
}

/** Safety first, then costs, then sweeps. */
export function sectionsOf(summary: BenchSummary): readonly Section[] {
  const { rows } = summary;
  const points = rows.filter(row => row.plan.axis === '');
  return [
    safety(summary),
    ...(points.length > 0 ? [latency(points), resources(points)] : []),
    ...(points.some(row => row.figures.bystanderTimes) ? [bystanders(points)] : []),
    ...sweepSections(rows.filter(row => row.plan.axis !== '')),
  ];
}

/** The observed verdict, with the number of violations or the bound. */
export function verdict(row: CellRow): string {
  const { measured, planned, observed, violations, keys, meetings, boundShare } = row;
  if (measured < planned) return `? ${planned - measured} of ${planned} repetitions are missing`;
  const found = Object.values(violations).reduce((all, one) => all + one, 0);
  if (observed === 'unsafe') return `✗ ${found} on ${keys} keys`;
  if (observed === 'inconclusive') return `? ${row.because}`;
  return `✓ 0 of ${meetings?.keysTested ?? 0} keys, so < ${percent(boundShare ?? 1)}`;
}

function safety({ rows, plan }: BenchSummary): Section {
  return {
    title: 'Safety',
    blocks: [
      'What the service’s audit found on the keys of the load, and what the strategy claims. Contention: commands that met another caller’s on their key; power: keys of the control violated by the same load. “0 of n” counts keys on which callers met and one was accepted. The commands compare and explore judge safety; this table only says whose costs below are worth reading.',
      ...shortfalls(rows),
      ...plan.notOffered.map(({ cell, because }) => `– ${cell}: not offered, ${because}.`),
      {
        kind: 'table',
        caption: 'Safety',
        columns: [
          ...words('cell', 'claimed'),
          verdicts('observed'),
          ...numbers(
            'contention',
            'power',
            'duplicates',
            'lost updates',
            'lost acks',
            'false refusals',
            'inconsistent',
            'stuck',
          ),
          ...numbers('leases lost'),
        ],
        rows: rows.map(row => ({
          cells: [
            row.name,
            { text: row.claimed.verdict, small: row.claimed.because },
            row.claimBroken === ''
              ? verdict(row)
              : { text: `${verdict(row)}, AGAINST ITS CLAIM`, small: row.claimBroken },
            contention(row),
            row.power === undefined ? '–' : percent(row.power),
            ...Object.entries(row.violations).map(([kind, found]) =>
              kind === 'stuck' && row.keysAsked === 0 ? 'not asked' : String(found),
            ),
            estimate(row.figures.leasesLost),
          ],
          broken: row.claimBroken !== '',
        })),
      },
    ],
  };
}

/** The share of commands on contended keys that met a rival. */
export function contention({ meetings }: CellRow): string {
  if (!meetings || meetings.commands === 0) return '–';
  return percent(meetings.commandsMet / meetings.commands);
}

/** Cells with too little data, and what to change. */
function shortfalls(rows: readonly CellRow[]): string[] {
  const cutOff = rows.filter(row => row.measured > 0 && !row.audited);
  const tooShort = rows.filter(row => row.tooShort);
  const named = (cells: readonly CellRow[]): string => cells.map(row => row.name).join(', ');
  return [
    ...sampledNote(
      rows.map(row => ({ cell: row.name, asked: row.keysAsked, contested: row.keysContested })),
    ),
    ...(cutOff.length > 0
      ? [
          `Not fully audited, usually because time ran out before everything was sent; use a longer --duration or fewer --iterations: ${named(cutOff)}.`,
        ]
      : []),
    ...(tooShort.length > 0
      ? [
          `The load was too short for two samples after the warm-up; use more --iterations or a shorter --warm-up: ${named(tooShort)}.`,
        ]
      : []),
  ];
}

/** Only safe cells are compared by cost: an unsafe strategy does less. */
function isSafe(row: CellRow): boolean {
  return row.observed === 'safe' && row.claimed.verdict === 'safe' && row.measured === row.planned;
}

const groupOf = ({ plan }: CellRow): string =>
  [plan.scenario, plan.workload, plan.spread, plan.axis].join('.');

/** The row with the lowest figure among the safe ones of the same group. */
function bestOf(rows: readonly CellRow[], row: CellRow, name: FigureName): CellRow | undefined {
  const rivals = rows.filter(other => groupOf(other) === groupOf(row) && isSafe(other));
  const value = (one: CellRow): number => one.figures[name]?.mean ?? Number.POSITIVE_INFINITY;
  return rivals.sort((a, b) => value(a) - value(b))[0];
}

export function timesBest(rows: readonly CellRow[], row: CellRow): string {
  const best = bestOf(rows, row, 'serviceMs');
  const [mine, least] = [row.figures.serviceMs, best?.figures.serviceMs];
  if (!isSafe(row) || !mine || !least) return '–';
  if (mine.repetitions < blocksMin) return '–';
  const noise = row !== best && !differs(mine, least) ? ' (noise)' : '';
  return `${figure(mine.mean / least.mean)} ×${noise}`;
}

/** Relative to the strategy without protection: the cost of the operation alone. */
export function timesControl(rows: readonly CellRow[], row: CellRow): string {
  const control = rows.find(other => other.control && groupOf(other) === groupOf(row));
  const [mine, least] = [row.figures.serviceMs, control?.figures.serviceMs];
  return mine && least ? `${figure(mine.mean / least.mean)} ×` : '–';
}

function latency(rows: readonly CellRow[]): Section {
  const of = (row: CellRow, name: FigureName): string => estimate(row.figures[name]);
  return {
    title: 'Rate and latency',
    blocks: [
      'Means over the repetitions ± half the 95 % confidence interval (Student’s t). × best and × control compare the service’s own mean time per accepted command, which k6 does not distort; only safe strategies are ranked, and none below five repetitions. “noise”: the difference is within the intervals.',
      {
        kind: 'table',
        caption: 'Rate',
        columns: [
          ...words('cell'),
          ...numbers('offered/s', 'answered/s', 'dropped', 'goodput/s', 'service ms', '× best'),
          ...numbers('× control', 'Jain', 'attempts per accepted'),
        ],
        rows: rows.map(row => ({
          cells: [
            row.name,
            of(row, 'offeredPerSecond'),
            of(row, 'answeredPerSecond'),
            String(row.dropped),
            of(row, 'goodputPerSecond'),
            of(row, 'serviceMs'),
            timesBest(rows, row),
            timesControl(rows, row),
            of(row, 'jain'),
            of(row, 'attemptsPerAccepted'),
          ],
        })),
      },
      'Milliseconds, as k6 measured them. A percentile is left out where fewer than ten samples lie beyond it. Commands are dropped when the load generator has no free caller: the offered rate was higher than the service could answer, and the percentiles are marked saturated.',
      {
        kind: 'table',
        caption: 'Latency',
        columns: [
          ...words('cell'),
          ...numbers('p50', 'p95', 'p99', 'p99.9', 'refused p50', 'refused p99', 'longest'),
        ],
        rows: rows.map(row => {
          const saturated = row.dropped > 0 ? ' saturated' : '';
          return {
            cells: [
              row.name,
              of(row, 'acceptedP50Ms'),
              of(row, 'acceptedP95Ms'),
              of(row, 'acceptedP99Ms') + saturated,
              of(row, 'acceptedP999Ms') + saturated,
              of(row, 'refusedP50Ms'),
              of(row, 'refusedP99Ms') + saturated,
              of(row, 'longestMs'),
            ],
          };
        }),
      },
    ],
  };
}

function resources(rows: readonly CellRow[]): Section {
  return {
    title: 'What an accepted command takes',
    blocks: [
      'Between the first and the last sample in the load. Statements include BEGIN, COMMIT and those of refused commands; WAL is the advance of the insert position. Cores are CPU seconds per second, on the machine that all processes share.',
      {
        kind: 'table',
        caption: 'What an accepted command takes',
        columns: [
          ...words('cell'),
          ...numbers(
            'statements',
            'Redis commands',
            'WAL bytes',
            'connections',
            'service cores',
            'Postgres cores',
            'Redis cores',
            'k6 cores',
            'event-loop lag p99 ms',
          ),
        ],
        rows: rows.map(row => ({
          cells: [
            row.name,
            ...(
              [
                'statementsPerAccepted',
                'redisPerAccepted',
                'walPerAccepted',
                'connections',
                'serviceCores',
                'postgresCores',
                'redisCores',
                'k6Cores',
                'loopLagMs',
              ] as const
            ).map(name => estimate(row.figures[name])),
          ],
        })),
      },
    ],
  };
}

function bystanders(rows: readonly CellRow[]): Section {
  return {
    title: 'Bystanders',
    blocks: [
      'Mean time of commands on keys without contention: alone, for 5 s before the load, and during the load of the same run. Waiters that hold connections starve other commands.',
      {
        kind: 'table',
        caption: 'Bystanders',
        columns: [...words('cell'), ...numbers('alone ms', 'beside the load ms', 'times')],
        rows: rows
          .filter(row => row.figures.bystanderTimes)
          .map(row => ({
            cells: [
              row.name,
              estimate(row.figures.bystanderQuietMs),
              estimate(row.figures.bystanderMs),
              estimate(row.figures.bystanderTimes),
            ],
          })),
      },
    ],
  };
}
