/** The strategies that docs/write-a-strategy.md shows, as they stand there: they work wherever ours do. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readRun } from '../../bench/compare/files.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { exploreCell } from '../../bench/explore/cell.ts';
import { closeProvider } from '../../bench/explore/provider.ts';
import { optionsOf, usualReach } from '../../bench/explore/spec.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { rawFile, runMs, startCompare } from '../bench/compare-process.ts';
import { freshDatabase } from '../database.ts';
import { makeRequest } from '../http/appointments.ts';
import { post } from '../http/requests.ts';
import { RunningService, startMaxMs } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { cellOf, cellServers } from './cells.ts';

const servers = await cellServers();
afterAll(closeProvider);

const folder = await mkdtemp(join(tmpdir(), 'lockstep-page-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const page = await readFile(join(import.meta.dirname, '../../docs/write-a-strategy.md'), 'utf8');
const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
const files: [name: string, file: string][] = [];
for (const [index, code] of blocks.entries()) {
  const file = join(folder, `from-the-page-${index + 1}.ts`);
  await writeFile(file, code);
  files.push([`from-the-page-${index + 1}`, file]);
}
const registry = await loadRegistry(files.map(([, file]) => file));
const database = await freshDatabase();

test('the page shows a strategy of facts alone, and one with a turn', () => {
  const declared = files.map(([name]) => registry.strategies.get(name)?.declared);
  expect(declared.map(one => one?.turns.length)).toEqual([0, 1]);
});

describe.each(files)('%s', (name, file) => {
  test(
    'serves: of three that accept one offer, one is told yes',
    async () => {
      const { redisUrl } = testServers();
      const service = new RunningService({
        DATABASE_URL: database.url,
        REDIS_URL: redisUrl,
        STRATEGY: name,
        STRATEGY_FILES: file,
      });
      try {
        const { url } = await service.ready();
        const { accepts } = await makeRequest(url, 3);
        const replies = await Promise.all(accepts.map(path => post(`${url}${path}`, {})));
        expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
      } finally {
        await service.stop();
      }
    },
    2 * startMaxMs,
  );

  test('is explored, and holds', async () => {
    const plan = await cellOf('appointment', 'plain', ['unprotected', 'unprotected']);
    const strategy = registry.strategies.get(name);
    if (!strategy) throw new Error(`${file} was not loaded`);
    const quick = optionsOf({
      ...usualReach,
      events: ['crash'],
      preemptions: 1,
      phases: false,
    });
    const found = await exploreCell({ ...plan, strategies: [strategy, strategy] }, servers, quick);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()].join()).not.toContain('internal-error');
  });
});

test(
  'all of them are compared with the control, and hold there, too',
  async () => {
    const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
    const environment = {
      DATABASE_URL: postgresUrl,
      REDIS_URL: redisUrl,
      REDIS_NODES: redisNodeUrls.join(','),
    };
    const out = join(folder, 'compared');
    const asked = files.map(([, file]) => file).join();
    const small = ['--rounds', '60', '--seed', '7', '--explore-seconds', '0'];
    const { ended } = startCompare(['--strategy', asked, '--out', out, ...small], environment);
    const { code, stderr } = await ended;
    const { cells } = summarize(await readRun(await rawFile(out)));
    for (const [name] of files) {
      const cell = cells.find(({ strategy }) => strategy.name === name);
      expect(cell?.verdict.observed, stderr).toBe('safe');
    }
    expect(code, stderr).toBe(0);
  },
  runMs,
);
