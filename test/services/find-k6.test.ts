import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findK6, K6Missing, type Keeper, openKeeper } from '../../src/services/index.ts';

let keeper: Keeper;
const scratch = mkdtempSync(join(tmpdir(), 'find-k6-'));
let folder = '';
let tests = 0;

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  keeper = await openKeeper(() => {});
});
beforeEach(() => {
  tests += 1;
  folder = join(scratch, String(tests));
  mkdirSync(folder);
});
afterAll(async () => {
  await keeper.close();
  rmSync(scratch, { recursive: true });
});

function script(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

const says = (version: string): string => `echo "k6 v${version} (go1.24, linux/amd64)"`;
const find = (env: Record<string, string> = {}, report = (_: string): void => {}) =>
  findK6(
    keeper,
    { folders: [join(folder, 'bin')], env: { XDG_CACHE_HOME: join(folder, 'cache'), ...env } },
    report,
  );

describe('k6', () => {
  test('is taken from K6_PATH before PATH', async () => {
    script(join(folder, 'bin', 'k6'), says('1.8.1'));
    const own = script(join(folder, 'own'), says('2.0.0'));
    expect(await find({ K6_PATH: own })).toMatchObject({ version: '2.0.0', origin: 'K6_PATH' });
    expect(await find()).toMatchObject({ version: '1.8.1' });
  });

  test('of a K6_PATH that is not k6 is not replaced by another', async () => {
    script(join(folder, 'bin', 'k6'), says('1.8.1'));
    const other = script(join(folder, 'own'), 'echo something else');
    await expect(find({ K6_PATH: other })).rejects.toThrow(/K6_PATH cannot be used: .* is not k6/);
  });

  test('that is missing or too old is an error with the options', async () => {
    script(join(folder, 'bin', 'k6'), says('0.57.0'));
    const missing = find();
    await expect(missing).rejects.toThrow(K6Missing);
    await expect(missing).rejects.toThrow(/go install go\.k6\.io\/k6@v/);
    await expect(missing).rejects.toThrow(/docker run/);
    await expect(missing).rejects.toThrow(/k6 0\.57\.0; at least 1\.8 is needed/);
    await expect(missing).rejects.toThrow(/Go is not installed/);
  });

  test('is built by Go once, and then taken from the cache', async () => {
    const log = join(folder, 'builds');
    const build = `[ "$1" = install ] && echo "$4" >> ${log}
printf '#!/bin/sh\\necho k6 v1.8.1 built\\n' > "$GOBIN/k6"; chmod 755 "$GOBIN/k6"`;
    script(join(folder, 'bin', 'go'), build);
    const told: string[] = [];
    const first = await find({ PATH: '/usr/bin:/bin' }, line => told.push(line));
    expect(first).toMatchObject({ version: '1.8.1', origin: expect.stringContaining('cache') });
    expect(told.join()).toContain('building v1.8.1 with Go');
    rmSync(join(folder, 'bin'), { recursive: true });
    expect(await find()).toMatchObject({ command: first.command });
  });

  test('that Go cannot build is an error that says why', async () => {
    script(join(folder, 'bin', 'go'), 'echo the network is away >&2; exit 1');
    await expect(find()).rejects.toThrow(/go install failed with code 1: the network is away/);
  });
});
