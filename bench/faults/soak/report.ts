/** The result of a soak: for a page, and for a terminal. Pure. */
import { createColors } from 'picocolors';
import type { Chart } from '../../page/chart.ts';
import { laid, wrapped } from '../../page/columns.ts';
import { counted, list, nothing, whole } from '../../page/format.ts';
import { type Block, numbers, type Report, verdicts, words } from '../../page/report.ts';
import { type Held, heldIn, measures, processesIn, soakAnswer, warmShare } from './judge.ts';
import type { SoakRun } from './schema.ts';

export function soakReport(run: SoakRun): Report {
  const { conditions, startedAt } = run;
  return {
    title: 'What a service holds after faults',
    answer: soakAnswer(run),
    facts: [
      ['on', startedAt.slice(0, 10)],
      ['commit', conditions.commit.slice(0, 7)],
      ['for', `${Math.round(run.seconds / 60)} min`],
      ['Postgres', conditions.postgres.version],
      ['Redis', conditions.redis.version],
    ],
    sections: [
      { title: 'What each process holds', blocks: heldBlocks(run) },
      { title: 'What it went through', blocks: throughBlocks(run) },
    ],
    footer: `Lockstep ${conditions.version}; generated from the raw data of a single run.`,
  };
}

const marks = { steady: '✓', grows: '✗', undecided: '?' } as const;
const columns = ['Process', 'What', 'At first', 'At last', 'More per minute', 'Tolerated'];

function heldBlocks(run: SoakRun): Block[] {
  return [
    `Between two cells, when nothing is under way; heaps after a collection of garbage. The first ` +
      `${Math.round(warmShare * 100)} % of the time is left out.`,
    {
      kind: 'table',
      caption: 'What each process holds',
      columns: [
        ...words(...columns.slice(0, 2)),
        ...numbers(...columns.slice(2)),
        verdicts('Verdict'),
      ],
      rows: heldIn(run).map(held => ({
        cells: rowOf(held),
        broken: held.verdict === 'grows',
      })),
    },
    ...measures.map(({ name, unit, of: held }): Block => {
      const lines = [...processesIn(run.samples)].map(([process, samples]) => ({
        name: process,
        points: samples.flatMap(sample => {
          const value = held(sample);
          return value === null ? [] : [[sample.minutes, value] as const];
        }),
      }));
      const of = { axis: 'minutes', unit: `${name}${unit && `, ${unit}`}` };
      const chart: Chart = { ...of, fromZero: true, lines };
      return { kind: 'chart', chart };
    }),
  ];
}

function rowOf({ process, measure, growth, verdict }: Held): string[] {
  const { name, unit, tolerated } = measure;
  const told = (value: number): string => value.toFixed(unit === '' ? 1 : 2);
  return [
    process,
    unit === '' ? name : `${name}, ${unit}`,
    growth ? told(growth.first) : nothing,
    growth ? told(growth.last) : nothing,
    growth ? `${growth.perMinute.toFixed(3)} ± ${growth.plusMinus.toFixed(3)}` : nothing,
    String(tolerated),
    `${marks[verdict]} ${verdict}`,
  ];
}

function throughBlocks(run: SoakRun): Block[] {
  const told = Object.entries(run.verdicts).map(([verdict, count]) => `${whole(count)} ${verdict}`);
  return [
    `${counted(run.passes, 'pass', 'passes')} over ${list(run.faults)}, with ${list(run.strategies)}: ` +
      `${list(told)}. ${whole(run.lost)} of ${whole(run.acknowledged)} acknowledged effects are gone.`,
    ...(run.contradictions.length > 0
      ? [{ kind: 'list', items: run.contradictions.map(one => `✗ ${one}`) } as const]
      : []),
    { kind: 'code', label: 'command', text: run.command },
  ];
}

export function soakTable(run: SoakRun, { color }: { readonly color: boolean }): string {
  const colors = createColors(color);
  const lines = [
    ...laid([[...columns, ''], ...heldIn(run).map(rowOf)], 'llrrrrl'),
    '',
    ...throughBlocks(run).flatMap(block => (typeof block === 'string' ? [block] : [])),
    ...run.contradictions,
    colors.bold(soakAnswer(run)),
    `rerun: ${run.command}`,
  ];
  return `${lines.flatMap(line => wrapped(line)).join('\n')}\n`;
}
