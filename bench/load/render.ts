/** Renders the sections of a load report as Markdown and HTML. Pure. */
import { element, page } from '../page/element.ts';
import {
  factsHtml,
  factsMarkdown,
  idOf,
  limitsHtml,
  type Section,
  sectionHtml,
  sectionMarkdown,
} from '../page/section.ts';
import { limitsOfNumbers } from './limits.ts';
import type { BenchSummary } from './summary.ts';

const title = 'What each lock costs under load';

/** The conditions of a load run, in words. */
export function benchFacts({ plan }: BenchSummary): readonly (readonly [string, string])[] {
  const { conditions, workload } = plan;
  return [
    ['started', plan.startedAt],
    ['command', plan.command],
    ['repetitions', String(plan.repetitions)],
    ['k6', plan.k6],
    [
      'load',
      `${workload.ratePerSecond}/s is “average”; warm-up ${workload.warmUpSeconds} s, not counted`,
    ],
    ...(plan.remote === null ? [] : [['service', plan.remote] as const]),
    ...(conditions
      ? ([
          ['commit', `${conditions.commit}${conditions.changed ? ', with changes' : ''}`],
          ['machine', `${conditions.machine.cores} × ${conditions.machine.processor}`],
          ['Node', conditions.node],
          ['Postgres', `${conditions.postgres.version}, ${settings(conditions.postgres.settings)}`],
          ['Redis', conditions.redis.version],
        ] as const)
      : []),
  ];
}

function settings(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

export function benchMarkdown(
  summaries: readonly BenchSummary[],
  sections: readonly Section[],
): string {
  return [
    `# ${title}`,
    ...summaries.map(summary => factsMarkdown(benchFacts(summary))),
    ...sections.map(sectionMarkdown),
    '## Limits',
    limitsOfNumbers.map(limit => `- ${limit}`).join('\n'),
    '',
  ].join('\n\n');
}

export function benchHtml(summary: BenchSummary, sections: readonly Section[]): string {
  const body = [
    element('header', [
      element('h1', 'Lockstep load'),
      element('p', title, { class: 'answer' }),
      ...(summary.missing.length > 0
        ? [
            element('p', `Incomplete: ${summary.missing.length} cells were not measured.`, {
              class: 'banner',
              role: 'note',
            }),
          ]
        : []),
      element(
        'nav',
        sections.map(({ title: name }) => element('a', name, { href: `#${idOf(name)}` })),
      ),
    ]),
    element('main', [
      ...sections.map(sectionHtml),
      element('h2', 'Conditions'),
      element('p', ''),
      factsHtml(benchFacts(summary)),
      element('h2', 'Limits'),
      element('p', ''),
      limitsHtml(limitsOfNumbers),
    ]),
  ];
  return page(title, body);
}
