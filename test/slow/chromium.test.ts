import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
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
import { describeWith } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'report-'));
/** Set it to look at the pages; else they go with the folder. */
const shots = process.env.LOCKSTEP_SCREENSHOTS ?? folder;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without the last five it looks for hosts and updates of its maker when it starts. */
const flags = [
  '--no-sandbox', // root may not start it otherwise; it opens our own file alone
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const widths = { desktop: 1_300, phone: 390 } as const;
const schemes = ['light', 'dark'] as const;

describeWith('the HTML report in Chromium, without a network,', ['chromium'], pathOf => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: pathOf('chromium'), args: flags });
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

/** Collects what the page asks for beside itself, and what the browser complains of. */
function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('request', request => {
    if (!request.isNavigationRequest()) faults.push(`request: ${request.url()}`);
  });
  page.on('console', message => faults.push(`console: ${message.text()}`));
  page.on('pageerror', error => faults.push(`error: ${error.message}`));
  return faults;
}

// These run in the page, whose types this project does not know.

/** By how much the page is wider than the window. */
const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/** The tables of which a part is hidden until they are scrolled, those in folds among them. */
const cutTables = `(() => {
  for (const fold of document.querySelectorAll('details')) fold.open = true;
  return [...document.querySelectorAll('.scroll')]
    .filter(box => box.scrollWidth > box.clientWidth)
    .map(box => box.firstChild.ariaLabel + ': ' + (box.scrollWidth - box.clientWidth) + ' px');
})()`;

const isDark = `getComputedStyle(document.body).backgroundColor
  .match(/[0-9.]+/g).slice(0, 3).every(part => part < 100)`;

/** Texts in tables whose contrast to what is behind them is below 4.5 (WCAG 2.2, level AA). */
const illegible = `(() => {
  const channels = color => color.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map(part => part / 255)
      .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const lights = [channels(getComputedStyle(element).color), behind(element)].map(light);
    return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
  };
  return [...document.querySelectorAll('th, td, td *, th *')]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => element.checkVisibility() && contrast(element) < 4.5)
    .map(element => element.textContent + ': ' + contrast(element).toFixed(2));
})()`;
