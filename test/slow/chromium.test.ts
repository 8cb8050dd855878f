import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareReport } from '../../bench/compare/report.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { loadReport } from '../../bench/load/report.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { wholeReport } from '../../bench/report/whole.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench, wideBench } from '../bench/example-bench.ts';
import { exampleRun } from '../bench/example-run.ts';
import { programArgs } from '../fixtures/program.ts';
import { testServers } from '../servers.ts';
import {
  cutTables,
  faultsOf,
  illegible,
  isDark,
  openBrowser,
  overhang,
  schemes,
  widths,
} from './browser.ts';
import { describeWith } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'report-'));
/** Set it to look at the pages; else they go with the folder. */
const shots = process.env.LOCKSTEP_SCREENSHOTS ?? folder;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWith('the HTML report in Chromium, without a network,', ['chromium'], pathOf => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser(pathOf('chromium'));
  });
  afterAll(() => browser?.close());

  const ofRun = { table: 'h2#verdicts ~ div table', verdict: '.verdict' };
  const ofBench = { table: 'section table', verdict: '.verdict' };
  const pages = {
    'of a real comparison': { make: compared, ...ofRun },
    'of an example with more kinds of verdict': { make: () => example('example', run), ...ofRun },
    'of a bench': { make: () => example('bench', bench), ...ofBench },
    'of a bench with long names and figures': { make: () => example('wide', wide), ...ofBench },
    'of everything': { make: () => example('whole', whole), ...ofRun },
  };
  for (const [what, { make, ...parts }] of Object.entries(pages))
    describe(what, () => {
      let file = '';
      beforeAll(async () => {
        file = await make();
      });

      for (const [device, width] of Object.entries(widths))
        for (const colorScheme of schemes)
          test(`is complete and readable on a ${device} in ${colorScheme} mode`, async () => {
            const page = await browser.newPage({
              viewport: { width, height: 900 },
              colorScheme,
              offline: true,
            });
            const faults = faultsOf(page);
            await page.goto(pathToFileURL(file).href);
            const shot = join(shots, `${what.replaceAll(' ', '-')}-${device}-${colorScheme}.png`);
            await page.screenshot({ path: shot, fullPage: true });
            const table = page.locator(parts.table).first();
            expect(await table.isVisible()).toBe(true);
            const verdicts = await table.locator(parts.verdict).all();
            expect(verdicts.length).toBeGreaterThan(1);
            for (const verdict of verdicts) expect(await verdict.isVisible()).toBe(true);
            expect(Number(await page.evaluate(overhang))).toBe(0);
            expect(await page.evaluate(cutTables)).toEqual([]);
            expect(await page.evaluate(illegible)).toEqual([]);
            expect(await page.evaluate(isDark)).toBe(colorScheme === 'dark');
            expect(faults).toEqual([]);
            await page.close();
          });
    });

  test('opens the evidence where a cell of the matrix is clicked', async () => {
    const page = await browser.newPage({ offline: true });
    await page.goto(pathToFileURL(await example('matrix', matrix)).href);
    const cell = page.locator('.matrix td.mark a').first();
    const evidence = page.locator((await cell.getAttribute('href')) ?? '');
    expect(await evidence.isVisible()).toBe(false);
    await cell.click();
    expect(await evidence.isVisible()).toBe(true);
    expect(await evidence.textContent()).toContain('Observed');
    await page.close();
  });
});

/** A small run of the main job. Too small for a verdict on every machine: exit code 3 is one too. */
async function compared(): Promise<string> {
  const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
  const out = join(folder, 'results');
  const small = ['--rounds', '24', '--repetitions', '1', '--processes', '2', '--out', out];
  const args = [
    ...programArgs('bench/cli/lockstep'),
    'compare',
    '--strategy',
    'row-lock',
    ...small,
  ];
  const env = {
    ...process.env,
    DATABASE_URL: postgresUrl,
    REDIS_URL: redisUrl,
    REDIS_NODES: redisNodeUrls.join(','),
  };
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, env, timeout: 120_000 }, (error, _, said) => {
      const code = error === null ? 0 : error.code;
      if (code === 0 || code === 3) resolve();
      else reject(new Error(`compare ended with ${code}: ${said}`));
    });
  });
  return join(out, 'latest', 'report.html');
}

async function example(name: string, text: () => Promise<string> | string): Promise<string> {
  const file = join(folder, `${name}.html`);
  await writeFile(file, await text());
  return file;
}

const run = (): string => reportHtml(compareReport(summarize(exampleRun())));

async function bench(): Promise<string> {
  const summary = summarizeBench(exampleBench, await loadRegistry([]));
  return reportHtml(loadReport(summary));
}

async function wide(): Promise<string> {
  const summary = summarizeBench(wideBench, await loadRegistry([]));
  return reportHtml(loadReport(summary));
}

async function whole(): Promise<string> {
  const parts = {
    run: summarize(exampleRun()),
    benches: [summarizeBench(wideBench, await loadRegistry([]))],
  };
  return wholeReport(parts)['report.html'] ?? '';
}

/** The same cells in a second place: only then there is a matrix. */
function matrix(): string {
  const made = exampleRun();
  const elsewhere = made.cells.map(cell => ({ ...cell, variant: 'elsewhere' }));
  const both = summarize({ ...made, cells: [...made.cells, ...elsewhere] });
  return reportHtml(compareReport(both));
}
