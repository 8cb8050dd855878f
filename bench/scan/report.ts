/** What a scan found, for people. Headers of requests are never in it. */
import { z } from 'zod';
import { letter } from '../../src/explore/search/choice.ts';
import { timelineRows } from '../../src/explore/timeline/rows.ts';
import type { Recording } from '../../src/scan/record/recording.ts';
import {
  allJudged,
  type JudgedPair,
  type ScanResult,
  type Verdict,
} from '../../src/scan/result.ts';
import type { Finding } from '../../src/scan/subject.ts';
import type { WhatIfRow } from '../../src/scan/what-if/what-if.ts';
import { counted } from '../page/format.ts';
import {
  type Block,
  type Report,
  type Row,
  type Section,
  verdicts,
  words,
} from '../page/report.ts';

const marks: Readonly<Record<Verdict, string>> = {
  differs: '✗',
  cleared: '✓',
  'equals a serial order': '✓',
  'not reproduced': '?',
  'not judged': '?',
  'not tried': '○',
};

/** The whole report. */
export function scanReport(result: ScanResult, recording: Recording): Report {
  const found = result.pairs.filter(({ verdict }) => verdict === 'differs');
  return {
    title: 'Lockstep scan',
    answer: answerOf(result, recording, found),
    facts: [
      ['service', recording.service.command.join(' ')],
      ['requests', String(recording.requests.length)],
      ['pairs', String(result.pairs.length)],
      ['orders run', String(result.orders)],
      ['seconds', result.seconds.toFixed(0)],
    ],
    warnings: warningsOf(result, recording),
    sections: [...found.map((pair, at) => findingSection(pair, at + 1)), pairsSection(result)],
  };
}

function answerOf(result: ScanResult, recording: Recording, found: readonly JudgedPair[]): string {
  const all = counted(result.pairs.length, 'pair');
  if (found.length > 0) {
    const titles = found.map(({ title }) => title).join('; ');
    const differ = found.length === 1 ? 'differs' : 'differ';
    return `${found.length} of ${all} ${differ} from every serial order: ${titles}.`;
  }
  if (allJudged(result, recording))
    return `All ${all} were judged, and none differs from every serial order.`;
  return `None of ${all} was found to differ from every serial order, but not all were judged: that is no proof.`;
}

function warningsOf({ outside, untried, pairs }: ScanResult, recording: Recording): string[] {
  const { limits, requests } = recording;
  const silent = requests.filter(({ answer }) => answer === null).length;
  const cleared = pairs.some(({ verdict }) => verdict === 'cleared');
  return [
    ...(outside.length > 0
      ? [`During the replays the service tried to reach ${outside.join(', ')}, and was refused.`]
      : []),
    ...(untried > 0
      ? [
          `Not tried: ${counted(untried, 'pair')} of requests, for which others of the same kinds stand.`,
        ]
      : []),
    ...(cleared ? ['Cleared is said of two callers at once; three were not tried.'] : []),
    ...(silent > 0 ? [`Recording: ${counted(silent, 'request')} got no answer.`] : []),
    ...limits.map(one => `Recording: ${one}.`),
  ];
}

function pairsSection({ pairs, kinds }: ScanResult): Section {
  const rows = pairs.map(
    (pair): Row => ({
      cells: [pair.title, `${marks[pair.verdict]} ${pair.verdict}`, pair.why],
    }),
  );
  const recorded = [...kinds].map(([kind, count]) => `${kind}: ${count}`);
  return {
    title: 'Pairs',
    blocks: [
      {
        kind: 'table',
        caption: 'Each pair of requests and what became of it',
        columns: [...words('requests'), verdicts('verdict'), ...words('why')],
        rows,
      },
      { kind: 'heading', text: 'Kinds of requests' },
      { kind: 'list', items: recorded },
    ],
  };
}

function findingSection(pair: JudgedPair, number: number): Section {
  const { finding } = pair;
  const blocks: Block[] = [pair.why];
  if (finding !== undefined) {
    const { anomaly, kind, schedule } = finding;
    blocks.push({
      kind: 'facts',
      facts: [
        ['kind', kind],
        ...(anomaly === undefined ? [] : [['anomaly', anomaly] as const]),
        ['orders', ordersText(finding)],
        ...(schedule === undefined ? [] : [['schedule', schedule] as const]),
      ],
    });
    blocks.push(...timelineBlocks(finding), ...differenceBlocks(finding));
  }
  if (pair.cures !== undefined) blocks.push(...cureBlocks(pair.cures));
  return { title: `Finding ${number}: ${pair.title}`, link: `Finding ${number}`, blocks };
}

function cureBlocks(cures: readonly WhatIfRow[]): Block[] {
  const rows = cures.map(({ cure, strategy, roundTrips, migration, tried, notApplicable }): Row => {
    const told =
      tried === undefined
        ? [notApplicable ?? 'not tried', '', '']
        : [`${tried.wrong} of ${tried.orders}`, String(tried.errors), String(tried.waited)];
    return { cells: [cure, ...told, `+${roundTrips}`, migration, strategy ?? ''] };
  });
  if (rows.length === 0) return [];
  return [
    { kind: 'heading', text: 'The same callers under each cure' },
    {
      kind: 'table',
      caption: 'Cures tried by rewriting statements on their way',
      columns: words('cure', 'wrong', 'in an error', 'waited', 'round trips', 'migration', 'like'),
      rows,
    },
  ];
}

function ordersText({ orders }: Finding): string {
  const some = Object.entries(orders).filter(([, count]) => count > 0);
  return some.map(([kind, count]) => `${count} ${kind}`).join(', ');
}

function timelineBlocks({ callers, exploration }: Finding): Block[] {
  const { counterexample } = exploration;
  if (counterexample === undefined) return [];
  const { lines, ends } = counterexample.record;
  const rows = timelineRows(lines).map(
    (row): Row => ({
      cells: [
        String(row.number),
        ...callers.map((_, at) => (at === row.actor || row.actor === undefined ? row.text : '')),
      ],
    }),
  );
  const told = callers.map((name, at) => {
    const end = ends[at];
    if (end?.kind === 'threw') return `${letter(at)} ${name} threw ${end.message}`;
    if (end?.kind !== 'returned') return `${letter(at)} ${name} ${end?.kind ?? 'never ends'}`;
    const told = answerSchema.safeParse(end.value);
    const words = told.success
      ? `${told.data.status} ${told.data.body}`
      : JSON.stringify(end.value);
    return `${letter(at)} ${name} was told ${words.trim()}`;
  });
  return [
    { kind: 'heading', text: 'The shortest such order' },
    {
      kind: 'table',
      caption: 'Steps in the order in which they happened, one column per caller',
      look: 'wide',
      columns: words('', ...callers.map((name, at) => `${letter(at)} ${name}`)),
      rows,
    },
    { kind: 'list', items: told },
  ];
}

/** What a service answers. */
const answerSchema = z.object({ status: z.number(), body: z.string() });

function differenceBlocks({ differences, masked }: Finding): Block[] {
  const items = differences.map(({ place, what, text }) => {
    const told =
      what === 'extra' ? 'only this order left' : 'missing here, left by the serial order';
    return `${place}: ${told}: ${text}`;
  });
  const hidden = masked.map(({ place, why, how }) => `${place}: ${how}, ${why}`);
  return [
    ...(items.length === 0
      ? []
      : [{ kind: 'heading', text: 'What differs from the nearest serial order' } as const]),
    ...(items.length === 0 ? [] : [{ kind: 'list', items } as const]),
    ...(hidden.length === 0
      ? []
      : [{ kind: 'note', text: `Not compared value by value: ${hidden.join('; ')}.` } as const]),
  ];
}
