import { describe, expect, test } from 'vitest';
import { compareReport } from '../../bench/compare/report.ts';
import { type Summary, summarize } from '../../bench/compare/summary.ts';
import { table } from '../../bench/compare/table.ts';
import { columnsMax } from '../../bench/page/columns.ts';
import { figure, list, percent, times, whole } from '../../bench/page/format.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { exampleRun, facts } from './example-run.ts';

const html = (summary: Summary): string => reportHtml(compareReport(summary));
const markdown = (summary: Summary): string => reportMarkdown(compareReport(summary));

const summary = summarize(exampleRun());
const forms = [
  ['table', table(summary, { color: false })],
  ['markdown', markdown(summary)],
  ['html', html(summary)],
] as const;

const hostile = `<script>alert('x')</script>"'&|\`*[a](b)`;
const hostileRun = exampleRun({
  command: `npm run compare -- --strategy ${hostile}`,
  brokenOff: hostile,
  end: 'broken off',
  incomplete: true,
  strategies: exampleRun().strategies.map(one =>
    facts(one.name, { title: hostile, control: one.control, hazard: one.hazard }),
  ),
});

describe('every form', () => {
  test.each(forms)(
    '%s puts verdicts before costs, and costs before those not ranked',
    (_, text) => {
      const at = (part: RegExp) => text.search(part);
      const order = [/claimed/i, /not offered/, /contested, in ms|Contested: many/, /not ranked/i];
      const places = order.map(at);
      expect(places).not.toContain(-1);
      expect(places.toSorted((a, b) => a - b)).toEqual(places);
    },
  );

  test.each(forms)('%s names every strategy, the bound, the seed and durability', (_, text) => {
    for (const name of ['steady', 'slow', 'unprotected', 'absent']) expect(text).toContain(name);
    for (const part of [
      /0 of 30 keys, so (<|&lt;) 10 %/,
      /--seed 7/,
      /synchronous_?commit|synchronous\\_commit/,
    ])
      expect(text).toMatch(part);
  });

  test.each(forms)('%s never shows what an unsafe strategy costs', (_, text) => {
    const contested = summary.cells.find(cell => cell.strategy.name === 'unprotected')?.phases
      ?.contested;
    expect(contested?.cost).toBeDefined();
    const lines = text
      .split(/\n|<tr/)
      .map(line => line.replace(/<?[^<>]*>/g, ' '))
      .filter(line => /^[^a-z]*unprotected\b/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).not.toMatch(/1\.00 ×/);
  });

  test.each(forms)('%s tells who did not take part, and why', (_, text) => {
    expect(text).toContain('Not in this run: one and two; asked for by name.');
  });

  test('all of them say of an incomplete run that it gives no verdict', () => {
    const stopped = summarize(exampleRun({ end: 'interrupted', incomplete: true }));
    for (const text of [table(stopped, { color: false }), markdown(stopped), html(stopped)])
      expect(text).toMatch(/incomplete and gives no verdict/);
  });

  test('durability that is off is told', () => {
    const run = exampleRun();
    const { conditions } = run;
    const postgres = {
      ...conditions.postgres,
      settings: { fsync: 'off', synchronous_commit: 'off' },
    };
    const risky = summarize({ ...run, conditions: { ...conditions, postgres } });
    for (const text of [table(risky, { color: false }), markdown(risky), html(risky)])
      expect(text.replaceAll('\\', '')).toMatch(/runs with fsync, synchronous_commit off/);
  });
});

describe('explored orders', () => {
  const run = summarize(exampleRun());

  test('stand in every form, with their count, their bound and the order that violates', () => {
    for (const form of [html(run), markdown(run), table(run, { color: false })]) {
      expect(form).toContain('✓ 70');
      expect(form).toContain('✗ 28 of 40');
      expect(form).toContain('≤ 2, ≤ 1 + 1 event');
    }
    expect(html(run)).toContain('select 1 &lt; 2');
    expect(markdown(run)).toContain('select 1 < 2');
  });

  test('that stopped early are no tick', () => {
    const explored = run.explored.map(cell => ({ ...cell, exhausted: false }));
    const text = table({ ...run, explored }, { color: false });
    expect(text).toContain('? 70');
    expect(text).toContain('Not every order within the bound was visited: steady');
  });

  test('are not spoken of where nothing was explored', () => {
    const without = summarize(exampleRun({ explored: [] }));
    for (const form of [html(without), markdown(without), table(without, { color: false })])
      expect(form).not.toMatch(/two callers/i);
  });
});

describe('the page', () => {
  const page = html(summary);

  test('is one file with its scripts inside: no outside request', () => {
    expect(page).not.toMatch(/<script[^>]*src|<link|<img|<iframe|@import|url\(|https?:\/\//i);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('name="viewport"');
  });

  test('escapes whatever it shows', () => {
    const told = html(summarize(hostileRun));
    expect(told).not.toContain('<script>alert');
    expect(told).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&#39;&amp;');
    expect(page).toContain('A &lt;fast&gt; one');
    expect(page).toContain('on &lt;unprotected-0&gt; &amp; more');
  });

  test('closes every element that it opens', () => {
    for (const tag of [
      'table',
      'tr',
      'td',
      'th',
      'details',
      'summary',
      'div',
      'section',
      'ul',
      'dl',
    ])
      expect([tag, page.split(`<${tag}`).length - 1 - tagsThatStartAlike(tag)]).toEqual([
        tag,
        page.split(`</${tag}>`).length - 1,
      ]);
  });

  test('has evidence under every verdict, and the command that runs it again', () => {
    const below = page.slice(0, page.indexOf('id="explored"', page.indexOf('<main>')));
    expect(below.match(/<details>/g)).toHaveLength(summary.cells.length);
    expect(page).toContain('npm run compare -- --strategy steady --seed 7');
  });

  test('is light and dark', () => {
    expect(page).toContain('color-scheme: light dark');
    expect(page).toContain('prefers-color-scheme: dark');
  });

  function tagsThatStartAlike(tag: string): number {
    const longer: Readonly<Record<string, readonly string[]>> = { th: ['thead'], td: [], tr: [] };
    return (longer[tag] ?? []).reduce(
      (total, other) => total + page.split(`<${other}`).length - 1,
      0,
    );
  }
});

describe('Markdown', () => {
  test('has tables whose rows all have as many cells as their head', () => {
    for (const text of [markdown(summary), markdown(summarize(hostileRun))])
      for (const block of text.split('\n\n').filter(part => part.startsWith('|'))) {
        const cells = block.split('\n').map(line => line.split(/(?<!\\)\|/).length);
        expect(new Set(cells).size, block).toBe(1);
      }
  });

  test('lets no HTML through', () => {
    const codeSpan = /(?<![\\`])(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g;
    expect(markdown(summarize(hostileRun)).replaceAll(codeSpan, '')).not.toMatch(/<\w/);
  });
});

describe('the terminal', () => {
  const long = 'a-strategy-with-a-very-long-name-that-nobody-would-choose-but-somebody-did';
  const run = exampleRun();
  const wide = summarize({
    ...run,
    strategies: run.strategies.map(one => (one.name === 'slow' ? facts(long) : one)),
    cells: run.cells.map(one => (one.strategy === 'slow' ? { ...one, strategy: long } : one)),
    command: `npm run compare -- --strategy ${'row-lock,'.repeat(30)}none --seed 7`,
  });

  test.each([
    ['usual', summary],
    ['wide', wide],
    ['hostile', summarize(hostileRun)],
  ] as const)('gets at most 100 columns: %s', (_, content) => {
    const lines = table(content, { color: false }).split('\n');
    const tooLong = lines.filter(line => line.length > columnsMax && line.trim().includes(' '));
    expect(tooLong.filter(line => !line.includes('row-lock,row-lock'))).toEqual([]);
  });

  test('shortens a name rather than break its columns', () => {
    expect(table(wide, { color: false })).toMatch(/a-strategy-with-a-\S*… /);
    const columns = table(wide, { color: false }).split('\nexit code')[0]; // before the sentences
    expect(columns).not.toContain(long);
  });

  test('gets colours only where asked', () => {
    const colour = String.fromCharCode(27);
    expect(table(summary, { color: false })).not.toContain(colour);
    expect(table(summary, { color: true })).toContain(colour);
  });
});

test.each([
  [figure(undefined), '–'],
  [figure(0.1234), '0.12'],
  [figure(12.34), '12.3'],
  [figure(1234.5), '1235'],
  [whole(1234567), '1 234 567'],
  [percent(0.0166), '1.7 %'],
  [percent(0.166), '17 %'],
  [times(1), '1.00 ×'],
  [times(12.34), '12.3 ×'],
  [list(['a']), 'a'],
  [list(['a', 'b', 'c']), 'a, b and c'],
])('%s is written as %s', (written, expected) => {
  expect(written).toBe(expected);
});
