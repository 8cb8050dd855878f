/** Writes the sections of a bench as Markdown, HTML and CSV. Pure. */
import { element, type Html, page, tableOf } from '../report/element.ts';
import { chartSvg } from './chart.ts';
import type { Section } from './content.ts';
import { limitsOfNumbers } from './limits.ts';
import type { BenchSummary } from './summary.ts';

const title = 'What each lock costs under load';

function facts({ plan }: BenchSummary): readonly (readonly [string, string])[] {
  const { conditions, workload } = plan;
  return [
    ['begun', plan.startedAt],
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

export function benchMarkdown(summary: BenchSummary, sections: readonly Section[]): string {
  const safe = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const line = (cells: readonly string[]): string => `| ${cells.map(safe).join(' | ')} |`;
  const table = (section: Section): string =>
    [line(section.columns), line(section.columns.map(() => '---')), ...section.rows.map(line)].join(
      '\n',
    );
  return [
    `# ${title}`,
    facts(summary)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    ...sections.map(section =>
      [`## ${section.title}`, ...section.notes, table(section)].join('\n\n'),
    ),
    '## Limits',
    limitsOfNumbers.map(limit => `- ${limit}`).join('\n'),
    '',
  ].join('\n\n');
}

/** One file: section, then a header, then rows. */
export function benchCsv(sections: readonly Section[]): string {
  const field = (text: string): string =>
    /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const line = (cells: readonly string[]): string => cells.map(field).join(',');
  return sections
    .flatMap(({ title: name, columns, rows }) => [
      line(['section', ...columns]),
      ...rows.map(row => line([name, ...row])),
    ])
    .join('\n')
    .concat('\n');
}

export function benchHtml(summary: BenchSummary, sections: readonly Section[]): string {
  const list = facts(summary).flatMap(([name, value]) => [
    element('dt', name),
    element('dd', value),
  ]);
  const body = [
    element('header', [
      element('h1', 'Lockstep bench'),
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
      element('dl', list),
      element('h2', 'Limits'),
      element('p', ''),
      element(
        'ul',
        limitsOfNumbers.map(limit => element('li', limit)),
        { class: 'limits' },
      ),
    ]),
  ];
  return page(title, body);
}

function sectionHtml({ title: name, notes, columns, rows, chart }: Section): Html {
  const heads = columns.map((column, index) => ({
    title: column,
    numeric: index > 0 && !wordy(column),
  }));
  const made = rows.map(cells => ({
    cells: cells.map(content => ({ content, kind: kindOf(content) })),
  }));
  return element('section', [
    element('h2', name, { id: idOf(name) }),
    ...notes.map(note => element('p', note)),
    tableOf(heads, made, name),
    ...(chart ? [chartSvg(chart)] : []),
  ]);
}

const wordy = (column: string): boolean => ['claimed', 'observed'].includes(column);

function kindOf(content: string): string {
  if (content.startsWith('✓')) return 'safe';
  if (content.startsWith('✗')) return 'unsafe';
  return content.startsWith('?') ? 'open' : '';
}

const idOf = (name: string): string => name.toLowerCase().replace(/[^a-z]+/g, '-');
