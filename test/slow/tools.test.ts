import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { find } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tools-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ status: z.string(), title: z.string() })),
    }),
  ),
});

interface Run {
  readonly code: number;
  readonly output: string;
  readonly results: readonly string[];
}

let runs = 0;

/** Runs the probe with vitest as the shell would, in a world with these variables. */
async function run(world: Readonly<Record<string, string>>): Promise<Run> {
  runs += 1;
  const config = join(folder, `${runs}.config.mjs`);
  const results = join(folder, `${runs}.json`);
  const test = { include: ['test/slow/tools-probe.ts'], root };
  writeFileSync(config, `export default ${JSON.stringify({ test })};`);
  const args = ['--config', config, '--reporter=default', '--reporter=json'];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [vitest, 'run', ...args, `--outputFile.json=${results}`],
      { cwd: root, env: { PATH: process.env.PATH, HOME: folder, ...world }, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code !== 'number') return reject(error);
        const read = report.parse(JSON.parse(readFileSync(results, 'utf8')));
        const seen = read.testResults.flatMap(file =>
          file.assertionResults.map(({ status, title }) => `${status}: ${title}`),
        );
        resolve({ code, output: stdout + stderr, results: seen });
      },
    );
  });
}

const away = join(folder, 'away');
const advice = 'a group that needs k6 needs k6: go install go.k6.io/k6@v1.8.1 (or set K6_PATH)';

describe('a group of tests whose program', () => {
  test('is missing is one skip that names the program and how to install it', async () => {
    const { code, output, results } = await run({ K6_PATH: away });
    expect(results).toEqual([`skipped: ${advice}`]);
    expect(output).toContain(`skipped: ${advice}`);
    expect(output).toMatch(/1 skipped/);
    expect(code).toBe(0);
  });

  test('is missing fails where LOCKSTEP_REQUIRE_TOOLS=1', async () => {
    const { code, results } = await run({ K6_PATH: away, LOCKSTEP_REQUIRE_TOOLS: '1' });
    expect(results).toEqual([`failed: ${advice}`]);
    expect(code).toBe(1);
  });

  test('is there runs with its path', async () => {
    const { code, results } = await run({ K6_PATH: process.execPath, LOCKSTEP_REQUIRE_TOOLS: '1' });
    expect(results).toEqual(['passed: gets a program that is there', 'passed: has a second test']);
    expect(code).toBe(0);
  });
});

describe('a program is found', () => {
  test('in PATH, behind what its variable names', () => {
    writeFileSync(join(folder, 'k6'), '', { mode: 0o755 });
    expect(find('k6', { PATH: folder })).toBe(join(folder, 'k6'));
    expect(find('k6', { PATH: folder, K6_PATH: process.execPath })).toBe(process.execPath);
  });

  test('not at all where its variable names a file that cannot be run', () => {
    writeFileSync(join(folder, 'plain'), '', { mode: 0o644 });
    expect(find('k6', { PATH: folder, K6_PATH: join(folder, 'plain') })).toBeUndefined();
  });

  test('where go install puts it', () => {
    const bin = join(folder, 'home', 'go', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'k6'), '', { mode: 0o755 });
    expect(find('k6', { HOME: join(folder, 'home') })).toBe(join(bin, 'k6'));
  });
});
