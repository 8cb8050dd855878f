/** One report on everything that was measured: safety first, then costs. Pure. */

import { firstLines } from '../compare/first-lines.ts';
import { matrixOf } from '../compare/matrix.ts';
import { compareSections, warningsOf } from '../compare/report.ts';
import type { Summary } from '../compare/summary.ts';
import { floorsSections, floorsWarnings } from '../floors/report.ts';
import type { FloorsResult } from '../floors/schema.ts';
import { loadSections, loadWarnings } from '../load/report.ts';
import type { BenchSummary } from '../load/summary.ts';
import { sectionsCsv } from '../page/csv.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import { type Fact, type Report, type Section, words } from '../page/report.ts';

/** The results to report; at least one. */
export interface Parts {
  readonly run?: Summary;
  /** Load runs without common cells. */
  readonly benches?: readonly BenchSummary[];
  readonly floors?: FloorsResult;
}

/** The report in all its forms, by file name. Throws `UsageError` if two load runs have the same cell. */
export function wholeReport(parts: Parts): Readonly<Record<string, string>> {
  const { run, benches = [], floors } = parts;
  const measured = [...loadSections(benches), ...(floors ? floorsSections(floors) : [])];
  const [answer, ...lines] = run ? firstLines(run) : [];
  const report: Report = {
    title: 'What protects, and what it costs',
    ...(answer !== undefined && { answer, lines }),
    facts: madeOf(parts),
    warnings: [
      ...(run ? warningsOf(run) : []),
      ...loadWarnings(benches),
      ...(floors ? floorsWarnings(floors) : []),
    ],
    sections: [...(run ? compareSections(run) : []), ...measured],
  };
  return {
    'report.html': reportHtml(report),
    'report.md': reportMarkdown(report),
    'report.csv': sectionsCsv([...(run ? [matrixSection(run)] : []), ...measured]),
    'report.json': `${JSON.stringify(parts, null, 1)}\n`,
  };
}

/** The matrix in words, for processing by programs. */
function matrixSection(run: Summary): Section {
  const { cells } = matrixOf(run);
  return {
    title: 'The matrix',
    blocks: [
      {
        kind: 'table',
        caption: 'The matrix',
        columns: words('place', 'strategy', 'claimed', 'observed', 'agreement', 'because'),
        rows: cells.map(({ place, strategy, claimed, observed, agreement, because }) => ({
          cells: [place, strategy, claimed, observed, agreement, because],
        })),
      },
    ],
  };
}

/** When and at which commit each part was measured: parts of different commits are not comparable. */
function madeOf({ run, benches = [], floors }: Parts): readonly Fact[] {
  const fact = (what: string, startedAt: string, commit = 'unknown'): Fact => [
    `${what} of`,
    `${startedAt.slice(0, 16)}, commit ${commit.slice(0, 7)}`,
  ];
  return [
    ...(run ? [fact('comparison', run.startedAt, run.conditions.commit)] : []),
    ...benches.map(({ plan }) => fact('load', plan.startedAt, plan.conditions?.commit)),
    ...(floors ? [fact('floors', floors.startedAt, floors.facts.commit)] : []),
  ];
}
