/** The content of a load report, as sections of tables; Markdown, HTML and CSV only render them. */

import { ruleOfThree } from '../lab/statistics.ts';
import { figure, percent } from '../page/format.ts';
import type { Section } from '../page/section.ts';
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
  const { measured, planned, observed, violations, keys } = row;
  if (measured < planned) return `? ${planned - measured} of ${planned} repetitions are missing`;
  const found = Object.values(violations).reduce((all, one) => all + one, 0);
  if (observed === 'unsafe') return `✗ ${found} on ${keys} keys`;
  if (observed === 'inconclusive')
    return row.audited ? '? nothing was accepted' : '? not fully audited';
  return `✓ 0 of ${keys} keys, so < ${percent(ruleOfThree(keys))}`;
}

function safety({ rows, plan, missing }: BenchSummary): Section {
  return {
    title: 'Safety',
    notes: [
      'What the service’s audit found on the keys of the load, and what the strategy claims. `npm run compare` and the explorer judge safety; this table only says whose costs below are worth reading.',
      ...(missing.length > 0 ? [`INCOMPLETE: ${missing.length} cells were not measured.`] : []),
      ...shortfalls(rows),
      ...plan.notOffered.map(({ cell, because }) => `– ${cell}: not offered, ${because}.`),
    ],
    columns: [
      'cell',
      'claimed',
      'observed',
      'duplicates',
      'lost updates',
      'lost acks',
      'false refusals',
      'inconsistent',
      'stuck',
      'leases lost',
    ],
    rows: rows.map(row => [
      row.name,
      `${row.claimed.verdict}: ${row.claimed.because}`,
      verdict(row) + (row.claimViolated ? ', AGAINST ITS CLAIM' : ''),
      ...Object.entries(row.violations).map(([kind, count]) =>
        kind === 'stuck' && row.keysAsked === 0 ? 'not asked' : String(count),
      ),
      estimate(row.figures.leasesLost),
    ]),
  };
}

/** Cells with too little data, and what to change. */
function shortfalls(rows: readonly CellRow[]): string[] {
  const cutOff = rows.filter(row => row.measured > 0 && !row.audited);
  const tooShort = rows.filter(row => row.tooShort);
  const named = (cells: readonly CellRow[]): string => cells.map(row => row.name).join(', ');
  const sampled = rows.filter(row => row.keysAsked > 0 && row.keysAsked < row.keysContested);
  return [
    ...sampled.map(
      ({ name, keysAsked, keysContested }) =>
        `After the audit, ${keysAsked} of the ${keysContested} contested keys of ${name} were asked again; the others may be stuck.`,
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

function timesBest(rows: readonly CellRow[], row: CellRow): string {
  const best = bestOf(rows, row, 'serviceMs');
  const [mine, least] = [row.figures.serviceMs, best?.figures.serviceMs];
  if (!isSafe(row) || !mine || !least) return '–';
  const noise = row !== best && !differs(mine, least) ? ' (noise)' : '';
  return `${figure(mine.mean / least.mean)} ×${noise}`;
}

/** Relative to the strategy without protection: the cost of the operation alone. */
function timesControl(rows: readonly CellRow[], row: CellRow): string {
  const control = rows.find(other => other.control && groupOf(other) === groupOf(row));
  const [mine, least] = [row.figures.serviceMs, control?.figures.serviceMs];
  return mine && least ? `${figure(mine.mean / least.mean)} ×` : '–';
}

function latency(rows: readonly CellRow[]): Section {
  return {
    title: 'Rate and latency',
    notes: [
      'Means over the repetitions ± half the 95 % confidence interval (Student’s t). × best and × none compare the service’s own mean time per accepted command, which k6 does not distort; only safe strategies are ranked. “noise”: the difference is within the intervals.',
      'Commands are dropped when the load generator has no free caller: the offered rate was higher than the service could answer, and the percentiles are marked saturated.',
    ],
    columns: [
      'cell',
      'offered/s',
      'answered/s',
      'dropped',
      'goodput/s',
      'service ms',
      '× best',
      '× none',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'p99.9 ms',
      'refused p50 ms',
      'refused p99 ms',
      'longest ms',
      'Jain',
      'attempts per accepted',
    ],
    rows: rows.map(row => {
      const of = (name: FigureName): string => estimate(row.figures[name]);
      const saturated = row.dropped > 0 ? ' saturated' : '';
      return [
        row.name,
        of('offeredPerSecond'),
        of('answeredPerSecond'),
        String(row.dropped),
        of('goodputPerSecond'),
        of('serviceMs'),
        timesBest(rows, row),
        timesControl(rows, row),
        of('acceptedP50Ms'),
        of('acceptedP95Ms'),
        of('acceptedP99Ms') + saturated,
        of('acceptedP999Ms') + saturated,
        of('refusedP50Ms'),
        of('refusedP99Ms') + saturated,
        of('longestMs'),
        of('jain'),
        of('attemptsPerAccepted'),
      ];
    }),
  };
}

function resources(rows: readonly CellRow[]): Section {
  return {
    title: 'What an accepted command takes',
    notes: [
      'Between the first and the last sample in the load. Statements include BEGIN, COMMIT and those of refused commands; WAL is the advance of the insert position. Cores are CPU seconds per second, on the machine that all processes share.',
    ],
    columns: [
      'cell',
      'statements',
      'Redis commands',
      'WAL bytes',
      'connections',
      'service cores',
      'Postgres cores',
      'Redis cores',
      'k6 cores',
      'event-loop lag p99 ms',
    ],
    rows: rows.map(row => [
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
    ]),
  };
}

function bystanders(rows: readonly CellRow[]): Section {
  return {
    title: 'Bystanders',
    notes: [
      'p99 of commands on keys without contention: alone, for 5 s before the load, and during the load of the same run. Waiters that hold connections starve other commands.',
    ],
    columns: ['cell', 'alone p99 ms', 'beside the load p99 ms', 'times'],
    rows: rows
      .filter(row => row.figures.bystanderTimes)
      .map(row => [
        row.name,
        estimate(row.figures.bystanderQuietP99Ms),
        estimate(row.figures.bystanderP99Ms),
        estimate(row.figures.bystanderTimes),
      ]),
  };
}
