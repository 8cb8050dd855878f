import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServers } from '../servers.ts';

/** What somebody gets who installs the package: compiled, with types, a command line and an import. */
const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'lockstep-package-'));
  await run('npm', ['pack', '--pack-destination', project], { cwd: root });
  const [tarball = ''] = (await readdir(project)).filter(name => name.endsWith('.tgz'));
  const manifest = { name: 'empty', version: '1.0.0', type: 'module', private: true };
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  await run('npm', ['install', '--no-fund', '--no-audit', `./${tarball}`], { cwd: project });
});
afterAll(() => rm(project, { recursive: true, force: true }));

const lockstep = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(join(project, 'node_modules', '.bin', 'lockstep'), [...args], {
    cwd: project,
    env: { ...process.env, ...env },
  });

describe('the installed package', () => {
  test('brings compiled code, SQL and types, and no TypeScript source', async () => {
    const dist = await readdir(join(project, 'node_modules', 'lockstep', 'dist'), {
      recursive: true,
    });
    expect(dist).toContain(join('src', 'scenarios', 'appointment', 'audit.sql'));
    expect(dist).toContain(join('src', 'scenarios', 'appointment', 'schema.sql'));
    expect(dist).toContain(join('src', 'contract', 'index.d.ts'));
    const sources = dist.filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'));
    // k6 compiles its scripts by itself, and what they import
    const forK6 = sources.filter(name => name.startsWith(join('bench', 'load', 'k6')));
    const scenarios = dist.filter(name => name.endsWith('audit.sql')).map(dirname);
    const calls = scenarios.map(folder => join(folder, 'calls.ts'));
    const shared = [join('bench', 'lab', 'random.ts'), join('src', 'explore', 'mulberry32.ts')];
    expect(sources.toSorted()).toEqual([...forK6, ...calls, ...shared].toSorted());
  });

  test('can be imported', async () => {
    const script = `
      import { failures, predict } from 'lockstep';
      console.log(typeof predict, failures['turn-refused'].outcome);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
    });
    expect(stdout).toBe('function busy\n');
  });

  test('types check for somebody who writes a strategy', async () => {
    const example = await readFile(
      join(root, 'examples', 'strategies', 'advisory-and-row.ts'),
      'utf8',
    );
    const strategy = example.replace('../../src/contract/index.ts', 'lockstep');
    await writeFile(join(project, 'my-lock.ts'), strategy);
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options =
      '--noEmit --strict --module nodenext --target es2023 --skipLibCheck --types'.split(' ');
    const types = join(root, 'node_modules', '@types', 'node');
    await run(process.execPath, [tsc, ...options, types, 'my-lock.ts'], { cwd: project });
    const broken = strategy.replace("'read committed'", "'read comitted'");
    await writeFile(join(project, 'broken.ts'), broken);
    const failed = run(process.execPath, [tsc, ...options, types, 'broken.ts'], { cwd: project });
    await expect(failed).rejects.toMatchObject({
      stdout: expect.stringContaining('Did you mean \'"read committed"\''),
    });
  });

  test('explores a race.config.ts, which imports it', async () => {
    const page = await readFile(join(root, 'docs', 'find-a-race.md'), 'utf8');
    const config = page.match(/```ts\n([\s\S]*?)```/)?.[1] ?? '';
    expect(config).toContain("'./src/explore/explore.ts'");
    await writeFile(
      join(project, 'race.config.ts'),
      config.replace('./src/explore/explore.ts', 'lockstep/explore'),
    );
    const explored = lockstep(['explore', 'race.config.ts'], {}); // servers of its own
    await expect(explored).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/two callers and one seat: unsafe[\s\S]*schedule v2:[AB+]+/),
    });
  });

  test('says what there is when the command is wrong', async () => {
    await expect(lockstep(['compair'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown command 'compair' (did you mean 'compare'?)"),
    });
  });

  test('compares a strategy of the project with the control', async () => {
    const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
    const { stdout } = await lockstep(
      [
        ...['compare', '--strategy', './my-lock.ts', '--rounds', '60', '--repetitions', '1'],
        ...['--explore-seconds', '4', '--json'],
      ],
      { DATABASE_URL: postgresUrl, REDIS_URL: redisUrl, REDIS_NODES: redisNodeUrls.join(',') },
    );
    const result: unknown = JSON.parse(stdout);
    expect(JSON.stringify(result)).toContain('my-lock');
    expect(await readdir(join(project, 'results', 'latest'))).not.toEqual([]);
  });
});
