import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runsAsRoot } from '../../src/services/account.ts';
import { cacheFolder, copyForAll, installed } from '../../src/services/cache.ts';
import { type Keeper, openKeeper } from '../../src/services/index.ts';

let keeper: Keeper;
let cache = '';

beforeAll(async () => {
  keeper = await openKeeper(() => {});
});

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'cache-test-'));
  chmodSync(cache, 0o755);
  return () => rmSync(cache, { recursive: true });
});

afterAll(() => keeper.close());

const content = (folder: string) =>
  readFile(join(folder, 'file'), 'utf8').then(
    text => (text === 'broken' ? undefined : text),
    () => undefined,
  );

describe('what is installed in the cache', () => {
  test('is made once, and found from then on', async () => {
    let fills = 0;
    const fill = async (folder: string) => {
      fills += 1;
      await writeFile(join(folder, 'file'), 'whole');
    };
    const place = join(cache, 'thing');
    expect(await installed(keeper, place, content, fill)).toBe('whole');
    expect(await installed(keeper, place, content, fill)).toBe('whole');
    expect(fills).toBe(1);
    expect(statSync(place).mode & 0o777).toBe(0o755);
  });

  test('is that of the first of several who install at once', async () => {
    const fills = Array.from({ length: 6 }, (_, index) => async (folder: string) => {
      await writeFile(join(folder, 'file'), `whole ${index}`);
    });
    const place = join(cache, 'thing');
    const found = await Promise.all(fills.map(fill => installed(keeper, place, content, fill)));
    expect(new Set(found)).toEqual(new Set([readFileSync(join(place, 'file'), 'utf8')]));
    expect(readdirSync(cache)).toEqual(['thing']);
  });

  test('leaves nothing where it could not be made', async () => {
    const fill = async (folder: string) => {
      await writeFile(join(folder, 'file'), 'half');
      throw new Error('the disk is full');
    };
    const made = installed(keeper, join(cache, 'thing'), content, fill);
    await expect(made).rejects.toThrow('the disk is full');
    expect(readdirSync(cache)).toEqual([]);
  });

  test('is replaced where it does not work any more', async () => {
    mkdirSync(join(cache, 'thing'));
    writeFileSync(join(cache, 'thing', 'file'), 'broken');
    const fill = (folder: string) => writeFile(join(folder, 'file'), 'whole');
    expect(await installed(keeper, join(cache, 'thing'), content, fill)).toBe('whole');
    expect(readdirSync(cache)).toEqual(['thing']);
  });

  test('takes with it what a loss of power left long ago, and nothing newer', async () => {
    const dayAndMore = Date.now() / 1_000 - 100_000;
    for (const name of ['.new-old', '.new-young']) mkdirSync(join(cache, name));
    utimesSync(join(cache, '.new-old'), dayAndMore, dayAndMore);
    const fill = (folder: string) => writeFile(join(folder, 'file'), 'whole');
    await installed(keeper, join(cache, 'thing'), content, fill);
    expect(readdirSync(cache).sort()).toEqual(['.new-young', 'thing']);
  });
});

describe('the cache', () => {
  const env = (folder: string) => ({ XDG_CACHE_HOME: folder });

  test('is in XDG_CACHE_HOME, and open to all whatever the umask', async () => {
    // A worker thread cannot set the umask, so a program of its own does.
    const source = `import { cacheFolder } from './src/services/cache.ts';
      process.umask(0o077);
      process.stdout.write(await cacheFolder({ XDG_CACHE_HOME: process.argv[1] }));`;
    const missing = join(cache, 'not', 'yet');
    const args = ['--import', 'tsx', '--input-type=module', '-e', source, missing];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe(`${missing}/lockstep`);
    for (const folder of [join(cache, 'not'), missing, join(missing, 'lockstep')]) {
      expect(statSync(folder).mode & 0o777).toBe(0o755);
    }
  });

  test('is not one into which others may write', async () => {
    mkdirSync(join(cache, 'lockstep'));
    chmodSync(join(cache, 'lockstep'), 0o777);
    expect(await cacheFolder(env(cache))).not.toContain(cache);
  });

  test('is not a link, which somebody else may turn', async () => {
    mkdirSync(join(cache, 'elsewhere'));
    symlinkSync(join(cache, 'elsewhere'), join(cache, 'lockstep'));
    expect(await cacheFolder(env(cache))).not.toContain(cache);
  });

  test.runIf(runsAsRoot())('of root is not below a folder that is closed to others', async () => {
    mkdirSync(join(cache, 'closed'), { mode: 0o700 });
    expect(await cacheFolder(env(join(cache, 'closed')))).not.toContain(cache);
  });
});

test('a copy can be read by all, and run where its owner may run it', async () => {
  const from = join(cache, 'from');
  mkdirSync(join(from, 'bin'), { recursive: true, mode: 0o700 });
  writeFileSync(join(from, 'bin', 'tool'), 'tool', { mode: 0o700 });
  writeFileSync(join(from, 'list'), 'list', { mode: 0o600 });
  writeFileSync(join(from, 'unwanted.a'), '');
  symlinkSync('tool', join(from, 'bin', 'link'));
  const to = join(cache, 'to');
  await copyForAll(from, to, path => !path.endsWith('.a'));
  const modes = ['bin', 'bin/tool', 'list'].map(name => statSync(join(to, name)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o755, 0o644]);
  expect(readFileSync(join(to, 'bin', 'link'), 'utf8')).toBe('tool');
  expect(existsSync(join(to, 'unwanted.a'))).toBe(false);
});
