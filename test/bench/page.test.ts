import { describe, expect, test } from 'vitest';
import { sectionsCsv } from '../../bench/page/csv.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown, tableMarkdown } from '../../bench/page/markdown.ts';
import { numbers, type Report, verdicts, words } from '../../bench/page/report.ts';

const report: Report = {
  title: 'A <report>',
  answer: 'It *held*.',
  warnings: ['Read this first.'],
  sections: [
    {
      title: 'Figures',
      blocks: [
        'An introduction.',
        {
          kind: 'table',
          caption: 'Figures',
          columns: [...words('what'), verdicts('observed'), ...numbers('ms')],
          rows: [
            {
              cells: [
                { text: 'a|b', small: 'in full' },
                '✗ 3 of 9',
                { text: '1.20', strong: true },
              ],
              broken: true,
              more: {
                kind: 'fold',
                summary: 'Evidence',
                id: 'evidence-a',
                blocks: [{ kind: 'code', label: 'Rerun', text: 'echo `date`' }],
              },
            },
            { cells: ['c', '✓ 9', '–'] },
          ],
        },
      ],
    },
    { title: 'Limits', link: null, blocks: [{ kind: 'list', items: ['one', 'two'] }] },
  ],
};

describe('a report as Markdown', () => {
  const text = reportMarkdown(report);

  test('aligns numbers to the right and keeps a cell in its column', () => {
    expect(text).toContain(
      '| what | observed | ms |\n| - | - | -: |\n| a\\|b: in full | ✗ 3 of 9 | **1.20** |\n| c | ✓ 9 | – |',
    );
  });

  test('has what stands behind a row at the end, and code that holds backticks', () => {
    expect(text.indexOf('## Limits')).toBeLessThan(text.indexOf('## Details'));
    expect(text).toContain('### Figures: a|b\n\nRerun: `` echo `date` ``');
  });

  test('escapes text, and says warnings before the sections', () => {
    expect(text).toMatch(/^# A &lt;report>\n\n\*\*It \\\*held\\\*\.\*\*\n\n> Read this first\./);
  });
});

test('a table of Markdown lets through nothing that ends a cell or begins an element', () => {
  const table = tableMarkdown(words('a', 'b'), [['`x|y`', 'one<br>two\nthree <script>']]);
  expect(table.split('\n').at(-1)).toBe('| `x\\|y` | one<br>two three &lt;script> |');
});

describe('a report as a page', () => {
  const page = reportHtml(report);

  test('links the sections that want it, and no other', () => {
    expect(page).toContain('<a href="#figures">Figures</a>');
    expect(page).toContain('<h2 id="figures">');
    expect(page).toContain('<h2>Limits</h2>');
    expect(page).not.toContain('href="#limits"');
  });

  test('colours a verdict by its symbol and a row whose claim is violated', () => {
    expect(page).toContain('<span class="verdict bad">✗ 3 of 9</span>');
    expect(page).toContain('<span class="verdict good">✓ 9</span>');
    expect(page).toContain('<tr class="has-more broken">');
    expect(page).toContain('id="evidence-a"');
  });
});

test('a narrow page breaks a row’s name after a dot, and no figure', () => {
  const rows = [{ cells: ['coupon.none.hot', '12.3 ± 0.4 saturated'] }];
  const columns = [...words('cell'), ...numbers('ms')];
  const blocks = [{ kind: 'table', caption: 'Figures', columns, rows } as const];
  const page = reportHtml({ title: 'Narrow', sections: [{ title: 'Figures', blocks }] });
  expect(page).toContain('coupon.<wbr>none.<wbr>hot');
  expect(page).toContain('12.3\u00a0±\u00a00.4 saturated');
});

test('a report as CSV is its tables', () => {
  expect(sectionsCsv(report.sections)).toBe(
    'section,what,observed,ms\nFigures,a|b,✗ 3 of 9,1.20\nFigures,c,✓ 9,–\n',
  );
});
