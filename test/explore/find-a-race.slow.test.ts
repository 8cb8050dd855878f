import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { programArgs } from '../fixtures/program.ts';
import { testServers } from '../servers.ts';

/** What the page tells a newcomer to write and to run, written and run. */
const root = join(import.meta.dirname, '..', '..');
const databaseUrl = testServers().postgresUrl;
let folder: string;
let page: string;

beforeAll(async () => {
  page = await readFile(join(root, 'docs', 'find-a-race.md'), 'utf8');
  // Below the root, so that the packages that the examples import are found.
  folder = await mkdtemp(join(root, 'node_modules', '.find-a-race-'));
  const here = pathToFileURL(join(root, 'src', 'explore')).href;
  const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) =>
    code.replaceAll('./src/explore', here),
  );
  expect(blocks).toHaveLength(2);
  await writeFile(join(folder, 'race.config.ts'), blocks[0] ?? '');
  await writeFile(join(folder, 'seats.test.ts'), blocks[1] ?? '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(program: readonly string[]): Promise<{ code: number | null; said: string }> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, NO_COLOR: '1' };
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      program,
      { cwd: root, env, timeout: 120_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, said: stdout + stderr }),
    );
  });
}

const explore = (...flags: string[]) =>
  run([...programArgs('src/explore/main'), join(folder, 'race.config.ts'), ...flags]);

test('the first command prints what the page shows', async () => {
  const { code, said } = await explore();
  const shown = [...page.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text]) => text);
  expect(shown).toHaveLength(2);
  for (const text of shown) expect(said).toContain(text);
  expect(code).toBe(1);
});

test('the replays of the page show the same end', async () => {
  const schedules = [...page.matchAll(/--replay (v2:[\w+]+)/g)].map(
    ([, schedule = '']) => schedule,
  );
  expect(schedules).toHaveLength(2);
  const { code, said } = await explore('--replay', schedules[0] ?? '');
  expect(said).toContain('audit: {"seat":1,"sold":2}');
  expect(code).toBe(1);
});

test('the options of the page are known to its commands', async () => {
  const lockstep = join(root, 'bench', 'cli', 'lockstep.ts');
  const helps = await Promise.all([
    explore('--help'),
    ...['record', 'scan'].map(name => run(['--import', 'tsx', lockstep, name, '--help'])),
  ]);
  const said = helps.map(help => help.said).join('\n');
  const named = [...page.matchAll(/(--[a-z][a-z-]+)/g)].map(([option]) => option);
  expect(named.length).toBeGreaterThan(6);
  expect(named.filter(option => !said.includes(option))).toEqual([]);
});

test('its test fails with the timeline and the schedule', async () => {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(folder, 'vitest.config.mjs');
  const include = { test: { root: folder, include: ['seats.test.ts'], exclude: [] } };
  await writeFile(config, `export default ${JSON.stringify(include)};`);
  const { code, said } = await run([vitest, 'run', '--config', config]);
  expect(said).toMatch(/schedule v2:[AB+]+/);
  expect(said).toMatch(/insert into booking \(seat\)/);
  expect(said).toContain('audit: {"seat":1,"sold":2}');
  expect(code).toBe(1);
});
