import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readRun } from '../../bench/compare/files.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { rawFile, runMs, startCompare } from './compare-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-interrupted-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('Ctrl-C', () => {
  const answers = (port: number): Promise<boolean> =>
    new Promise(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });

  test(
    'in the middle leaves nothing behind but a result that says it is incomplete',
    async () => {
      const out = join(folder, 'stopped');
      // for the account that runs the servers, which must get through to its data
      await chmod(folder, 0o755);
      const temporary = join(folder, 'temporary');
      await mkdir(temporary, { mode: 0o755 });
      const left = async () =>
        (await readdir(temporary)).filter(name => name.startsWith('lockstep-'));
      const args = ['--strategy', 'row-lock', '--rounds', '50000', '--out', out];
      const running = startCompare(args, { TMPDIR: temporary }); // servers of its own
      await running.saw(/\[1\/11\]/);
      expect(await left()).not.toEqual([]);
      running.child.kill('SIGINT');
      const ended = await running.ended;
      expect(ended.code, ended.stderr).toBe(130);
      const ports = [...ended.stderr.matchAll(/127\.0\.0\.1:(\d+)/g)].map(match =>
        Number(match[1]),
      );
      expect(ports.length).toBeGreaterThanOrEqual(5 + 4); // servers and service processes
      expect(await Promise.all(ports.map(answers))).toEqual(ports.map(() => false));
      expect(await left()).toEqual([]);

      const raw = await rawFile(out);
      const run = await readRun(raw);
      expect(run).toMatchObject({ end: 'interrupted', incomplete: true });
      const told = z.object({ incomplete: z.literal(true), exitCode: z.literal(130) });
      const beside = JSON.parse(await readFile(join(dirname(raw), 'result.json'), 'utf8'));
      expect(told.safeParse(beside).success).toBe(true);
      expect(await readdir(out)).not.toContain('latest'); // no good one is replaced
      expect(summarize(run).cells.map(cell => cell.verdict.observed)).not.toContain('safe');
      expect(ended.stdout).toContain('incomplete and gives no verdict');
    },
    runMs,
  );
});
