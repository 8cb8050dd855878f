/** The command line as a person types it: help, mistakes, and the codes that they end with. */
import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function lockstep(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const { PATH = '', HOME = '' } = process.env;
  const args = [...programArgs('bench/cli/lockstep'), ...words];
  const options = { cwd: root, env: { PATH, HOME, ...environment }, timeout: 60_000 };
  return new Promise(resolve =>
    execFile(process.execPath, args, options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    ),
  );
}

const commands: readonly (readonly [command: string, ...options: string[]])[] = [
  ['compare', '--scenario', '--explore-seconds', '--resume'],
  ['load', '--workload', '--sweep', '--base-url'],
  ['explore', '--replay', '--events', '--strategy', '--pairs'],
  ['explore-strategies', '--round', '--unbounded', '--cell-seconds'],
  ['what-if', '<config>', '--seconds', '--markdown'],
  ['floors', '--only'],
  ['report', '--out'],
  ['diff', '<before>', '<after>'],
  ['serve', 'DATABASE_URL'],
];

describe('help', () => {
  test.each(commands)('of %s lists its options and exits with 0', async (command, ...options) => {
    const { code, out, err } = await lockstep([command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const option of options) expect(out).toContain(option);
  });

  test('of all names every command', async () => {
    const { code, out } = await lockstep(['--help']);
    expect(code).toBe(0);
    for (const [command] of commands) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
  });
});

describe('a usage error ends with 2, and says what to write', () => {
  test.each<[string, readonly string[], RegExp, Record<string, string>?]>([
    ['no command', [], /Usage: lockstep/],
    ['a misspelt command', ['explor'], /did you mean 'explore'/],
    ['a misspelt option', ['floors', '--onyl', 'pairs'], /Did you mean --only/],
    ['a file that is none', ['report', 'nowhere'], /nowhere/],
    [
      'a folder that cannot be made',
      ['compare', '--out', '/proc/x'],
      /Choose another folder with --out/,
    ],
    ['a file as the folder', ['floors', '--out', 'package.json'], /it is a file/],
    ['a misspelt strategy', ['compare', '--strategy', 'row-lok'], /row-lok/],
    [
      'an option that npm consumed',
      ['compare'],
      /npm consumed --strategy.*npm run compare -- --strategy/s,
      { npm_lifecycle_event: 'compare', npm_config_strategy: 'redlock' },
    ],
  ])('%s', async (_what, words, told, environment) => {
    const { code, out, err } = await lockstep(words, environment);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(told);
  });
});

test('an old name still works, and says the new one', async () => {
  const { code, out, err } = await lockstep(['bench', '--help']);
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining("is now 'load'") });
  expect(out).toContain('lockstep load');
});
