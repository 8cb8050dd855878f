import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advise } from '../../bench/advise/advise.ts';
import type { Evidence } from '../../bench/advise/evidence.ts';
import { advisePage, adviseSection } from '../../bench/advise/form.ts';
import { type Answers, answersFrom } from '../../bench/advise/questions.ts';
import { committedEvidence } from '../../bench/advise/read.ts';
import { firstLines } from '../../bench/advise/words.ts';
import { compareReport } from '../../bench/compare/report.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { readFaults } from '../../bench/faults/files.ts';
import { faultsReport } from '../../bench/faults/report.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { incidents } from '../advise/cases.ts';
import { exampleRun } from '../bench/example-run.ts';
import {
  cutTables,
  faultsOf,
  illegible,
  openBrowser,
  overhang,
  schemes,
  widths,
} from './browser.ts';
import { describeWith } from './tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'advise-'));
const shots = process.env.LOCKSTEP_SCREENSHOTS ?? folder;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let evidence: Evidence;
let axe: string;
beforeAll(async () => {
  evidence = await committedEvidence();
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
});

/** What the rules of WCAG 2.2 A and AA, as axe knows them, complain of. */
async function complaints(page: Page): Promise<unknown> {
  await page.evaluate(axe);
  return page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })
    .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html]))`);
}

describeWith('a page in Chromium, without a network,', ['chromium'], pathOf => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser(pathOf('chromium'));
  });
  afterAll(() => browser?.close());

  const pages = {
    advise: async () => reportHtml(advisePage(evidence)),
    compare: async () => {
      const report = compareReport(summarize(exampleRun()));
      return reportHtml({ ...report, sections: [...report.sections, adviseSection(evidence)] });
    },
    faults: async () => reportHtml(faultsReport(await readFaults('docs/runs/faults.json'))),
  };

  for (const [name, make] of Object.entries(pages))
    describe(`of ${name}`, () => {
      let file = '';
      beforeAll(async () => {
        file = join(folder, `${name}.html`);
        await writeFile(file, await make());
      });

      for (const [device, width] of Object.entries(widths))
        for (const colorScheme of schemes)
          test(`fits a ${device} in ${colorScheme} mode, and axe finds nothing`, async () => {
            const page = await browser.newPage({
              viewport: { width, height: 900 },
              colorScheme,
              offline: true,
            });
            const faults = faultsOf(page);
            await page.goto(pathToFileURL(file).href);
            await page.screenshot({
              path: join(shots, `${name}-${device}-${colorScheme}.png`),
              fullPage: true,
            });
            expect(Number(await page.evaluate(overhang))).toBe(0);
            expect(await page.evaluate(cutTables)).toEqual([]);
            expect(await page.evaluate(illegible)).toEqual([]);
            expect(await complaints(page)).toEqual([]);
            expect(faults).toEqual([]);
            await page.close();
          });
    });

  test('answers the Gusto case by keyboard alone as the command does', async () => {
    const page = await browser.newPage({ offline: true });
    await page.goto(pathToFileURL(join(folder, 'advise.html')).href);
    const told = incidents['a payroll reversal without a migration']?.answers ?? {};
    await answerBy(page, told);
    const lines = firstLines(advise(evidence, answersFrom(told)));
    const answer = page.locator('#form-answer');
    for (const line of lines) expect(await answer.textContent()).toContain(line);
    expect(await answer.textContent()).toContain('unique-slots');
    await page.screenshot({ path: join(shots, 'advise-gusto.png'), fullPage: true });
    await page.close();
  });

  test('sorts a table by a click and by a key, and finds rows', async () => {
    const page = await browser.newPage({ offline: true });
    await page.goto(pathToFileURL(join(folder, 'faults.html')).href);
    const table = page.locator('main .scroll > table').first();
    const names = () => table.locator('tbody > tr > th').allTextContents();
    const before = await names();
    const button = table.locator('thead button').first();
    await button.focus();
    await page.keyboard.press('Enter');
    const up = await names();
    expect(up).toEqual(before.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })));
    await button.click();
    expect(await names()).toEqual(up.toReversed());
    const filter = page.locator('input.filter').first();
    await filter.fill('redlock');
    const shown = await table.locator('tbody > tr:visible > th').allTextContents();
    expect(shown).toEqual(['redlock']);
    await page.close();
  });
});

/** Fills the form by tabs and keys, as somebody does who has no mouse. */
async function answerBy(page: Page, told: Partial<Answers>): Promise<void> {
  for (const [name, answer] of Object.entries(told)) {
    const select = page.locator(`select[name="${name}"]`);
    if ((await select.count()) > 0) {
      await select.focus();
      const options = await select.locator('option').evaluateAll(all => all.map(one => one.value));
      await page.keyboard.press('Home');
      for (let step = 0; step < options.indexOf(String(answer)); step += 1)
        await page.keyboard.press('ArrowDown');
      continue;
    }
    const wanted: readonly string[] = Array.isArray(answer) ? answer : [];
    for (const box of await page.locator(`input[name="${name}"][type="checkbox"]`).all()) {
      const value = (await box.getAttribute('value')) ?? '';
      if ((await box.isChecked()) === wanted.includes(value)) continue;
      await box.focus();
      await page.keyboard.press('Space');
    }
  }
}
