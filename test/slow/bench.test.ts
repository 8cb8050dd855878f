import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { leakyTurns, strategyFile } from '../bench/compare-process.ts';
import { freshDatabase } from '../database.ts';
import { programArgs } from '../fixtures/program.ts';
import { RunningService } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { describeWith } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describeWith('bench', ['k6'], pathOf => {
  const out = mkdtempSync(join(tmpdir(), 'bench-'));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
  const servers = {
    DATABASE_URL: postgresUrl,
    REDIS_URL: redisUrl,
    REDIS_NODES: redisNodeUrls.join(','),
  };

  test('measures each cell, resumes what is missing, and reports the control as unsafe', async () => {
    const small = ['--workload', 'burst', '--iterations', '26', '--vus', '8', '--warm-up', '0'];
    const first = await bench(
      [...small, '--strategy', 'row-lock', '--repetitions', '1', '--out', out],
      servers,
    );
    expect(first).toMatchObject({ code: 0 });
    expect(first.told).toMatch(/^2 cells: \d+ s to \d+ min, [\s\S]*are free[\s\S]*\nRaw data: /);
    const [name = ''] = readdirSync(out);
    const folder = join(out, name);
    const cells = readdirSync(join(folder, 'cells'));
    expect(cells).toEqual([
      'appointment.row-lock.burst.hot.r1.json',
      'appointment.unprotected.burst.hot.r1.json',
    ]);
    const text = readFileSync(join(folder, 'report.md'), 'utf8');
    expect(text).toMatch(/appointment\.unprotected\.burst\.hot \| unsafe.*✗/);
    expect(text).toMatch(/appointment\.row-lock\.burst\.hot \| safe.*✓/);

    rmSync(join(folder, 'cells', 'appointment.unprotected.burst.hot.r1.json'));
    const before = readFileSync(join(folder, 'cells', cells[0] ?? ''), 'utf8');
    const resumed = await bench(['--resume', folder], servers);
    expect(resumed.code).toBe(0);
    expect(resumed.told).toContain('[1/1] appointment.unprotected.burst.hot.r1');
    expect(readdirSync(join(folder, 'cells'))).toEqual(cells);
    expect(readFileSync(join(folder, 'cells', cells[0] ?? ''), 'utf8')).toBe(before);
  });

  test('sees a lock that is not given back, though the load went well', async () => {
    const leaky = join(out, 'leaky.ts');
    writeFileSync(leaky, strategyFile(`turns: ${leakyTurns}, guard: [],`));
    const small = ['--workload', 'burst', '--iterations', '2', '--vus', '6', '--warm-up', '0'];
    const folder = join(out, 'leaky');
    const args = [...small, '--strategy', leaky, '--repetitions', '1', '--out', folder];
    expect(await bench(args, servers)).toMatchObject({ code: 1 });
    const [name = ''] = readdirSync(folder);
    const cell = join(folder, name, 'cells', 'appointment.leaky.burst.hot.r1.json');
    const { k6 } = JSON.parse(readFileSync(cell, 'utf8'));
    expect(k6.counts).toMatchObject({ duplicates: 0, keys_unanswered: 0 });
    expect(k6.counts.keys_stuck).toBeGreaterThan(0);
    expect(k6.broken).toContain('keys_stuck: count==0');
    expect(readFileSync(join(folder, name, 'report.md'), 'utf8')).toMatch(
      /appointment\.leaky\.burst\.hot \| safe.*AGAINST ITS CLAIM/,
    );
  });

  test('drives a service elsewhere through its address and its audit', async () => {
    const { url } = await freshDatabase(undefined, 'caller drops');
    const service = new RunningService({
      DATABASE_URL: url,
      ADMIN_TOKEN: 'nobody can guess this',
      PROCESSES: '2',
    });
    try {
      const ready = await service.ready();
      const small = ['--workload', 'burst', '--iterations', '2', '--vus', '6', '--warm-up', '0'];
      const there = [...small, '--base-url', ready.url, '--repetitions', '1', '--out', out];
      const token = { ADMIN_TOKEN: 'nobody can guess this' };
      // it keeps no history: who met whom is unknown, so finding nothing proves nothing
      const seen = await bench(there, token);
      expect(seen.code).toBe(3);
      expect(seen.told).toMatch(/\?\s+the\s+service\s+did\s+not\s+tell\s+which\s+commands\s+met/);
      const other = await bench([...there, '--strategy', 'unprotected'], token);
      expect(other.code).toBe(2);
      expect(other.told).toContain("runs 'row-lock', not unprotected");
    } finally {
      await service.stop();
    }
  });

  test.each<[string, readonly string[], Record<string, string>, number, RegExp]>([
    ['an unknown strategy', ['--strategy', 'nothing'], {}, 2, /there is no strategy 'nothing'/],
    ['an unknown workload', ['--workload', 'fast'], {}, 2, /unknown workload 'fast'/],
    [
      'no k6',
      ['--strategy', 'unprotected'],
      { K6_PATH: '/nowhere/k6' },
      4,
      /K6_PATH cannot be used/,
    ],
    ['nobody there', ['--base-url', 'http://127.0.0.1:9'], {}, 4, /does not answer as a Lockstep/],
  ])('%s is a message and a code of its own', async (_what, argv, environment, code, words) => {
    const ended = await bench([...argv, '--out', out], environment);
    expect(ended.code).toBe(code);
    expect(ended.told).toMatch(words);
  });

  function bench(argv: readonly string[], environment: Record<string, string>) {
    const env = {
      PATH: `${dirname(pathOf('k6'))}:${process.env.PATH}`,
      HOME: process.env.HOME ?? '',
      K6_PATH: pathOf('k6'),
      ...environment,
    };
    const child = spawn(process.execPath, [...programArgs('bench/cli/lockstep'), 'load', ...argv], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        told += chunk.toString();
      });
    return new Promise<{ readonly code: number | null; readonly told: string }>(resolve => {
      child.once('close', code => resolve({ code, told }));
    });
  }
});
