/** One report on everything that was measured: safety first, then costs. Pure. */

import { durabilityWarning } from '../compare/conditions.ts';
import { headline } from '../compare/content.ts';
import { mainParts, sectionIds } from '../compare/html.ts';
import { markdown } from '../compare/markdown.ts';
import { matrixOf } from '../compare/matrix.ts';
import type { Summary } from '../compare/summary.ts';
import { floorsFacts, floorsMarkdown, floorsNote, floorsSections } from '../floors/report.ts';
import type { FloorsResult } from '../floors/schema.ts';
import { sectionsOf } from '../load/content.ts';
import { limitsOfNumbers } from '../load/limits.ts';
import { mergedLoads } from '../load/merge.ts';
import { benchFacts, benchMarkdown } from '../load/render.ts';
import type { BenchSummary } from '../load/summary.ts';
import { element, type Html, page } from '../page/element.ts';
import {
  factsHtml,
  idOf,
  limitsHtml,
  type Section,
  sectionHtml,
  sectionsCsv,
} from '../page/section.ts';

/** The results to report; at least one. */
export interface Parts {
  readonly run?: Summary;
  /** Load runs without common cells. */
  readonly benches?: readonly BenchSummary[];
  readonly floors?: FloorsResult;
}

const title = 'What protects, and what it costs';

/** The report in all its forms, by file name. Throws `UsageError` if two load runs have the same cell. */
export function wholeReport(parts: Parts): Readonly<Record<string, string>> {
  return {
    'report.html': wholeHtml(parts),
    'report.md': wholeMarkdown(parts),
    'report.csv': sectionsCsv([
      ...(parts.run ? [matrixSection(parts.run)] : []),
      ...tablesOf(parts),
    ]),
    'report.json': `${JSON.stringify(parts, null, 1)}\n`,
  };
}

function tablesOf({ benches, floors }: Parts): readonly Section[] {
  return [...loadSections(benches), ...(floors ? floorsSections(floors) : [])];
}

function loadSections(benches: Parts['benches'] = []): readonly Section[] {
  const bench = mergedLoads(benches);
  return bench ? sectionsOf(bench) : [];
}

/** The matrix in words, for processing by programs. */
function matrixSection(run: Summary): Section {
  const { cells } = matrixOf(run);
  return {
    title: 'The matrix',
    notes: [],
    columns: ['place', 'strategy', 'claimed', 'observed', 'agreement', 'because'],
    rows: cells.map(({ place, strategy, claimed, observed, agreement, because }) => [
      place,
      strategy,
      claimed,
      observed,
      agreement,
      because,
    ]),
  };
}

function wholeMarkdown({ run, benches = [], floors }: Parts): string {
  return [
    ...(run ? [markdown(run)] : []),
    ...(benches.length > 0 ? [benchMarkdown(benches, loadSections(benches))] : []),
    ...(floors ? [floorsMarkdown(floors)] : []),
  ].join('\n');
}

function wholeHtml(parts: Parts): string {
  const { run, benches = [], floors } = parts;
  const missing = benches.flatMap(bench => bench.missing);
  const links = [...(run ? sectionIds(run) : []), ...tablesOf(parts).map(section => section.title)];
  const warnings = [
    run ? durabilityWarning(run) : '',
    run?.incomplete ? 'The comparison is incomplete and gives no verdict.' : '',
    missing.length > 0 ? `${missing.length} cells of the load were not measured.` : '',
    floors?.facts.INCOMPLETE ? `Floors: ${floors.facts.INCOMPLETE}.` : '',
  ].filter(warning => warning !== '');
  return page(title, [
    element('header', [
      element('h1', title),
      ...(run ? [element('p', headline(run), { class: 'answer' })] : []),
      element(
        'ul',
        madeOf(parts).map(line => element('li', line)),
        { class: 'facts' },
      ),
      ...warnings.map(warning => element('p', warning, { class: 'banner', role: 'note' })),
      element(
        'nav',
        links.map(link => element('a', link, { href: `#${idOf(link)}` })),
        { 'aria-label': 'Sections' },
      ),
    ]),
    element('main', [
      ...(run ? mainParts(run) : []),
      ...(benches.length > 0 ? benchParts(benches) : []),
      ...(floors ? floorsParts(floors) : []),
    ]),
  ]);
}

/** When and at which commit each part was measured: parts of different commits are not comparable. */
function madeOf({ run, benches = [], floors }: Parts): readonly string[] {
  const line = (what: string, startedAt: string, commit = 'unknown'): string =>
    `${what} of ${startedAt.slice(0, 16)}, commit ${commit.slice(0, 7)}`;
  return [
    ...(run ? [line('comparison', run.startedAt, run.conditions.commit)] : []),
    ...benches.map(({ plan }) => line('load', plan.startedAt, plan.conditions?.commit)),
    ...(floors ? [line('floors', floors.startedAt, floors.facts.commit)] : []),
  ];
}

function benchParts(benches: readonly BenchSummary[]): readonly Html[] {
  return [
    ...loadSections(benches).map(sectionHtml),
    element('h2', 'Conditions of the load'),
    ...benches.map(bench => factsHtml(benchFacts(bench))),
    element('h2', 'Limits of the load'),
    limitsHtml(limitsOfNumbers),
  ];
}

function floorsParts(floors: FloorsResult): readonly Html[] {
  return [
    ...floorsSections(floors).map(sectionHtml),
    element('h2', 'Conditions of the floors'),
    element('p', floorsNote),
    factsHtml(floorsFacts(floors)),
  ];
}
