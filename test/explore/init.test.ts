import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runExploreCommand } from '../../src/explore/command.ts';
import { root } from '../house/sources.ts';
import { testServers } from '../servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'init-'));
afterAll(() => rm(folder, { recursive: true }));

async function run(...values: readonly string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const surroundings = { write, databaseUrl: testServers().postgresUrl, redisUrl: undefined };
  return { code: await runExploreCommand(values, surroundings), text };
}

test('a config from the template runs as it is, and shows a duplicate', async () => {
  const file = join(folder, 'race.config.ts');
  expect(await run('init', file)).toEqual({ code: 0, text: expect.stringContaining(file) });
  const text = await readFile(file, 'utf8');
  const here = text
    .replace("'lockstep/explore'", `'${root}/src/explore/explore.ts'`)
    .replace("'pg'", `'${root}/node_modules/pg/esm/index.mjs'`);
  await writeFile(file, here);
  const found = await run(file, '--first');
  expect(found.text).toContain('two callers and the last seat: unsafe');
  expect(found.text).toMatch(
    /In words: ann and bob both read `taken = 0` in booking before either inserted into booking/,
  );
  expect(found.text).toContain('insert into booking (slot_id) values (1)');
  expect(found.code).toBe(1);
});

test('a config that is there is not written over', async () => {
  const file = join(folder, 'mine.config.ts');
  await writeFile(file, 'mine');
  expect(await run('init', file)).toEqual({ code: 2, text: expect.stringContaining('already') });
  expect(await readFile(file, 'utf8')).toBe('mine');
});
