/** Runs `compare` as its own process, as a person does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Comparison {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard error has such a line. Rejects when it ends before. */
  saw(pattern: RegExp): Promise<void>;
}

/** Starts it with these variables beside what every process needs; servers come from `environment`. */
export function startCompare(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Comparison {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(
    process.execPath,
    [...programArgs('bench/cli/lockstep'), 'compare', ...args],
    {
      cwd: root,
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: runMs,
    },
  );
  let [stdout, stderr] = ['', ''];
  const watchers = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const look of watchers) look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    ended,
    saw: pattern =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(stderr)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        ended.then(({ code }) => reject(new Error(`it ended with ${code}:\n${stderr}`)), reject);
      }),
  };
}

/** Longer than a small run takes on a machine that has much else to do. */
export const runMs = 240_000;

/** The raw file of the only run below a folder. */
export async function rawFile(out: string): Promise<string> {
  const [run, ...more] = (await readdir(out)).filter(name => name !== 'latest');
  if (more.length > 0) throw new Error(`${out} holds several runs: ${more.join(', ')}`);
  return join(out, run ?? '', 'run.json');
}

/** A strategy as somebody writes it who has nothing of ours: no import. */
export const strategyFile = (body: string): string => `
export default {
  title: 'From outside',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  first: [],
  adoption: { migration: 'none', everyWriterMustTakePart: true, poolerSafe: true, retryNeeded: false },
  ${body}
};
`;

/** Has no TTL, and whoever had to ask twice forgets to give it back. */
export const leakyTurns = `[{ heldBy: 'lease', until: 'commit', open: async ({ redis, now, sleep }) => ({
  async turn(attempt, keys, inner) {
    let tries = 0;
    while (redis.status !== 'ready') await sleep(5);
    for (; (await redis.set('leaky:' + keys[0], attempt.commandId, 'NX')) !== 'OK'; tries += 1) {
      if (now() > attempt.deadlineMs) throw attempt.failure('turn-refused');
      await sleep(5);
    }
    try { return await inner({}); } finally { if (tries === 0) await redis.del('leaky:' + keys[0]); }
  },
  async close() {},
}) }]`;
