/** The sections of sweeps: one table and one chart per axis. Pure. */
import type { Chart } from '../page/chart.ts';
import { figure } from '../page/format.ts';
import { numbers, type Section, verdicts, words } from '../page/report.ts';
import { estimate, verdict } from './content.ts';
import type { CellRow } from './summary.ts';

/** One section per axis that has rows. */
export function sweepSections(rows: readonly CellRow[]): readonly Section[] {
  const axes = [...new Set(rows.map(row => row.plan.axis))];
  return axes.map(axis => {
    const mine = rows.filter(row => row.plan.axis === axis);
    const hold = axis === 'hold';
    const at = (row: CellRow): number => (hold ? heldShare(row) : row.point);
    const what = axisTitles[axis] ?? axis;
    return {
      title: `Sweep: ${what}`,
      blocks: [
        ...(hold
          ? [
              'The lease is not extended; latency to Postgres prolongs the hold. The ratio is the service’s own mean hold time divided by the lease.',
            ]
          : []),
        {
          kind: 'table',
          caption: `Sweep: ${what}`,
          columns: [
            ...words('cell'),
            ...numbers(what),
            verdicts('observed'),
            ...numbers('leases lost', 'goodput/s', 'service ms', 'p99 ms', 'hold ms'),
          ],
          rows: mine.map(row => ({
            cells: [
              row.name,
              figure(at(row)),
              verdict(row),
              estimate(row.figures.leasesLost),
              estimate(row.figures.goodputPerSecond),
              estimate(row.figures.serviceMs),
              estimate(row.figures.acceptedP99Ms),
              estimate(row.figures.holdMs),
            ],
          })),
        },
        { kind: 'chart', chart: chartOf(mine, at, what) },
      ],
    };
  });
}

const axisTitles: Readonly<Record<string, string>> = {
  contenders: 'callers',
  keys: 'keys',
  processes: 'processes',
  hold: 'hold / lease',
  latency: 'added latency ms',
  commit: 'synchronous_commit',
};

/** The hold time as a share of the lease, as measured by the service. */
function heldShare(row: CellRow): number {
  const held = row.figures.holdMs?.mean;
  return held === undefined || row.plan.leaseMs === null ? row.point : held / row.plan.leaseMs;
}

function chartOf(rows: readonly CellRow[], at: (row: CellRow) => number, axis: string): Chart {
  const strategies = [...new Set(rows.map(row => row.plan.strategy))];
  const lines = strategies.map(name => ({
    name,
    points: rows
      .filter(row => row.plan.strategy === name && row.figures.acceptedP99Ms)
      .map((row): readonly [number, number] => [at(row), row.figures.acceptedP99Ms?.mean ?? 0])
      .sort((a, b) => a[0] - b[0]),
  }));
  return { axis, unit: 'p99 of accepted commands, ms', lines };
}
