/** Every command, interrupted in each of its phases: nothing is left, and the code says so. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CommandProcess, runMs } from '../fixtures/command-process.ts';
import { until } from '../fixtures/gate.ts';
import { describeWith } from './tools.ts';

let command: CommandProcess | undefined;
afterEach(() => {
  command?.clean();
  command = undefined;
});

/** A keeper notices that its owner is gone, and ends what it keeps. */
const clearedMs = 30_000;

function start(words: readonly string[], environment: Record<string, string> = {}) {
  const out = ['compare', 'load', 'floors'].includes(words[0] ?? '');
  const all = out ? [...words, '--out', '{folder}/results'] : words;
  command = new CommandProcess(all, environment);
  return command;
}

type Blow = (pid: number) => void;
const blows: Readonly<Record<string, Blow>> = {
  'INT to the process': pid => process.kill(pid, 'SIGINT'),
  'TERM to the process': pid => process.kill(pid, 'SIGTERM'),
  'INT to the group': pid => process.kill(-pid, 'SIGINT'),
  'TERM to the group': pid => process.kill(-pid, 'SIGTERM'),
  'KILL of the process': pid => process.kill(pid, 'SIGKILL'),
};

const forever = ['--rounds', '50000', '--repetitions', '1'];
const briefly = ['--rounds', '20', '--repetitions', '1', '--explore-seconds', '120'];
const starting = /Postgres|PostgreSQL/;
const measuring = /\[1\/\d+\]/;

/** What is run, the line that tells its phase, and the blows there. */
const struck: readonly (readonly [
  words: readonly string[],
  phase: string,
  line: RegExp,
  blow: keyof typeof blows,
])[] = [
  [['compare', ...forever], 'while servers start', starting, 'INT to the process'],
  [['compare', ...forever], 'in the middle', measuring, 'TERM to the process'],
  [['compare', ...forever], 'in the middle', measuring, 'INT to the group'],
  [['compare', ...forever], 'in the middle', measuring, 'KILL of the process'],
  [['compare', ...briefly], 'while exploring', /Exploring/, 'INT to the process'],
  [['compare', ...briefly], 'while exploring', /Exploring/, 'TERM to the group'],
  [['compare', ...briefly], 'while exploring', /Exploring/, 'KILL of the process'],
  [['explore-strategies', '--strategy', 'row-lock'], 'early', starting, 'INT to the process'],
  [['explore-strategies', '--strategy', 'row-lock'], 'early', starting, 'KILL of the process'],
  [['floors', '--seconds', '4'], 'in the middle', measuring, 'INT to the process'],
  [['floors', '--seconds', '4'], 'in the middle', measuring, 'KILL of the process'],
  [['dev-explore-speed', '--seconds', '3'], 'early', starting, 'TERM to the process'],
];

describe('a command that is struck', { timeout: runMs }, () => {
  test.each(struck)('%s %s: $3', async (words, _phase, line, blow) => {
    const { running, ended } = await strike(words, line, blow);
    if (blow.startsWith('KILL')) expect(ended.signal).toBe('SIGKILL');
    else expect(ended.code, ended.stderr).toBe(130);
    await leavesNothing(running);
    if (line === measuring && words[0] === 'compare' && !blow.startsWith('KILL'))
      expect(keptOf(running)).toEqual(['interrupted']);
  });
});

describeWith('load', ['k6'], pathOf => {
  const words = ['load', '--strategy', 'row-lock', '--duration', '60', '--repetitions', '1'];

  test.each(['INT to the process', 'INT to the group', 'KILL of the process'])(
    'in the middle of a cell: %s',
    { timeout: runMs },
    async blow => {
      const { running, ended } = await strike(words, measuring, blow, { K6_PATH: pathOf('k6') });
      if (!blow.startsWith('KILL')) expect(ended.code, ended.stderr).toBe(130);
      await leavesNothing(running);
    },
  );
});

describe('the service', { timeout: runMs }, () => {
  test('ends with the npm that started it, however that ends', async () => {
    command = new CommandProcess(['start'], { PORT: '0', LAME_DUCK_MS: '0' }, ['npm', 'run', '-s']);
    await command.saw(/"msg":"ready"/);
    process.kill(command.child.pid ?? 0, 'SIGKILL');
    await command.ended;
    await leavesNothing(command);
  });
});

/** Runs it up to that line, and strikes. */
async function strike(
  words: readonly string[],
  line: RegExp,
  blow: string,
  environment: Record<string, string> = {},
) {
  const running = start(words, environment);
  await running.saw(line);
  running.left(); // whoever is there by now is watched until it has ended
  blows[blow]?.(running.child.pid ?? 0);
  return { running, ended: await running.ended };
}

async function leavesNothing(running: CommandProcess): Promise<void> {
  const isClear = (): boolean => Object.values(running.left()).flat().length === 0;
  await until('nothing is left', isClear, clearedMs).catch(() => {}); // told by what is left
  expect(running.left()).toEqual({ processes: [], folders: [] });
}

/** How the runs of `compare` that were kept have ended. */
function keptOf(running: CommandProcess): string[] {
  const out = join(running.folder, 'results');
  const runs = readdirSync(out).filter(name => name !== 'latest');
  return runs.map(name => JSON.parse(readFileSync(join(out, name, 'run.json'), 'utf8')).end);
}
