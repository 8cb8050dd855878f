/** One report of everything that was measured: safety first, then what it costs. Pure. */
import { sectionsOf } from '../cells/content.ts';
import { limitsOfNumbers } from '../cells/limits.ts';
import { benchFacts, benchMarkdown } from '../cells/render.ts';
import type { BenchSummary } from '../cells/summary.ts';
import { floorsFacts, floorsMarkdown, floorsNote, floorsSections } from '../floors/report.ts';
import type { FloorsResult } from '../floors/schema.ts';
import { matrixOf } from '../results/matrix.ts';
import type { Summary } from '../results/summary.ts';
import { durabilityWarning } from './conditions.ts';
import { headline } from './content.ts';
import { element, type Html, page } from './element.ts';
import { mainParts, sectionIds } from './html.ts';
import { markdown } from './markdown.ts';
import { factsHtml, idOf, limitsHtml, type Section, sectionHtml, sectionsCsv } from './section.ts';

/** At most one of each; at least one of them. */
export interface Parts {
  readonly run?: Summary;
  readonly bench?: BenchSummary;
  readonly floors?: FloorsResult;
}

const title = 'What protects, and what it costs';

/** The report in all its forms, by the name of the file. */
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

function tablesOf({ bench, floors }: Parts): readonly Section[] {
  return [...(bench ? sectionsOf(bench) : []), ...(floors ? floorsSections(floors) : [])];
}

/** The matrix as a table of words, for those who read it by program. */
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

function wholeMarkdown({ run, bench, floors }: Parts): string {
  return [
    ...(run ? [markdown(run)] : []),
    ...(bench ? [benchMarkdown(bench, sectionsOf(bench))] : []),
    ...(floors ? [floorsMarkdown(floors)] : []),
  ].join('\n');
}

function wholeHtml(parts: Parts): string {
  const { run, bench, floors } = parts;
  const links = [...(run ? sectionIds(run) : []), ...tablesOf(parts).map(section => section.title)];
  const warnings = [
    run ? durabilityWarning(run) : '',
    run?.incomplete ? 'The comparison is incomplete. Nothing in it is a verdict.' : '',
    bench?.missing.length ? `${bench.missing.length} cells of the bench were not measured.` : '',
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
      ...(bench ? benchParts(bench) : []),
      ...(floors ? floorsParts(floors) : []),
    ]),
  ]);
}

/** Which code was measured when; parts of different code are not to be compared. */
function madeOf({ run, bench, floors }: Parts): readonly string[] {
  const line = (what: string, startedAt: string, commit = 'unknown'): string =>
    `${what} of ${startedAt.slice(0, 16)}, commit ${commit.slice(0, 7)}`;
  return [
    ...(run ? [line('comparison', run.startedAt, run.conditions.commit)] : []),
    ...(bench ? [line('bench', bench.plan.startedAt, bench.plan.conditions?.commit)] : []),
    ...(floors ? [line('floors', floors.startedAt, floors.facts.commit)] : []),
  ];
}

function benchParts(bench: BenchSummary): readonly Html[] {
  return [
    ...sectionsOf(bench).map(sectionHtml),
    element('h2', 'Conditions of the load'),
    factsHtml(benchFacts(bench)),
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
