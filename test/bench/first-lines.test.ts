import { describe, expect, test } from 'vitest';
import { firstLines } from '../../bench/compare/first-lines.ts';
import { compareReport } from '../../bench/compare/report.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { table } from '../../bench/compare/table.ts';
import { firstLines as loadLines } from '../../bench/load/first-lines.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench } from './example-bench.ts';
import { cell, exampleRun, exploredCell, facts } from './example-run.ts';

const safe = { verdict: 'safe', because: 'locked before the check' } as const;

describe('the first lines of a comparison', () => {
  const summary = summarize(exampleRun());

  test('say what held, what failed, what to take and why', () => {
    expect(firstLines(summary)).toEqual([
      '2 strategies held; unprotected failed, as predicted.',
      'Held: steady and slow; violated on none of at least 30 keys each, so on fewer than 10 %.',
      'Failed: unprotected (12 of 30 keys).',
      'Take steady here: How steady works.',
      'Why: the cheapest where callers meet; it asks for no migration and no new server.',
    ]);
  });

  test('name what is cheapest without a migration or a server, and by how much it is dearer', () => {
    const made = exampleRun();
    const adoption = { ...facts('steady').adoption, migration: 'column' };
    const strategies = made.strategies.map(one =>
      one.name === 'steady' ? { ...one, adoption } : one,
    );
    expect(firstLines(summarize({ ...made, strategies })).at(-1)).toMatch(
      /^Why: the cheapest .+ asks for a column and no new server; without one: slow, 2\.\d+ × as dear\.$/,
    );
  });

  test('prefer among those of one place who asks for less', () => {
    const made = exampleRun();
    const heavy = facts('heavy', {
      adoption: { ...facts('heavy').adoption, newDependency: 'redis' },
    });
    const run = {
      ...made,
      strategies: [...made.strategies, heavy],
      cells: [...made.cells, cell('heavy', safe)],
    };
    const lines = firstLines(summarize(run));
    expect(lines).toContain('Take steady here: How steady works.');
    expect(lines.at(-1)).toContain('no dearer than heavy by more than chance');
  });

  test('say beside what to take under which event an explored order of it failed', () => {
    const claimed = { verdict: 'no claim', because: 'a lease may end early' } as const;
    const part = { orders: 9, claimed, agreement: 'nothing claimed' } as const;
    const explored = [
      exploredCell('steady', [
        { ...part, event: 'none', violating: 0 },
        { ...part, event: 'lease-expires', violating: 2 },
      ]),
      exploredCell('slow', [{ ...part, event: 'crash', violating: 1 }]),
    ];
    expect(firstLines(summarize(exampleRun({ explored })))).toContain(
      'Take steady here: How steady works. It does not hold in every order of two callers (lease expires): see Explored.',
    );
  });

  test('name all who share the first place', () => {
    const made = exampleRun();
    const twin = [...made.cells, cell('twin', safe)];
    const cells = [...twin, ...twin.map(one => ({ ...one, variant: 'elsewhere' }))];
    const strategies = [...made.strategies, facts('twin')];
    expect(firstLines(summarize({ ...made, strategies, cells }))).toContain(
      'Cheapest where callers meet: appointment/plain: steady and twin; appointment/elsewhere: steady and twin.',
    );
  });

  test('are few, and stand on the page, in Markdown and last in the terminal', () => {
    const lines = firstLines(summary);
    expect(lines.length).toBeLessThanOrEqual(5);
    const report = compareReport(summary);
    const text = table(summary, { color: false });
    expect(text.trimEnd().endsWith('it asks for no migration and no new server.')).toBe(true);
    for (const line of lines) {
      expect(reportHtml(report)).toContain(`>${line.replaceAll('&', '&amp;')}<`);
      expect(reportMarkdown(report)).toContain(line);
      expect(text.replaceAll(/\s+/g, ' ')).toContain(line);
    }
  });

  test('of a run that ended early say nothing but that', () => {
    const early = exampleRun({ end: 'interrupted', incomplete: true });
    expect(firstLines(summarize(early))).toEqual([
      'Interrupted: this result is incomplete and gives no verdict.',
    ]);
  });

  test('of several places say what held in all of them', () => {
    const made = exampleRun();
    const elsewhere = made.cells.map(one => ({ ...one, variant: 'elsewhere' }));
    const lines = firstLines(summarize({ ...made, cells: [...made.cells, ...elsewhere] }));
    expect(lines).toContain('Held in all 2: slow and steady.');
    expect(lines).toContain(
      'Cheapest where callers meet: appointment/plain: steady; appointment/elsewhere: steady.',
    );
  });
});

test('the first lines of load say what was broken, what held and what can not be said', async () => {
  const lines = loadLines(summarizeBench(exampleBench, await loadRegistry([])));
  expect(lines[0]).toMatch(/^No claim was broken in \d+ cells\.$/);
  expect(lines.length).toBeLessThanOrEqual(5);
});
