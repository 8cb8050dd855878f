import { afterEach, describe, expect, test, vi } from 'vitest';
import { runExploreCommand } from '../../src/explore/command.ts';
import { interruption } from '../../src/explore/interruption.ts';
import { testServers } from '../servers.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const before = new Map(signals.map(name => [name, process.listeners(name)]));
afterEach(() => {
  vi.restoreAllMocks();
  for (const name of signals)
    for (const listener of process.listeners(name))
      if (!before.get(name)?.includes(listener)) process.off(name, listener);
});

describe('the command is stopped', () => {
  test.each(signals)('by %s, which is told once', name => {
    const said: string[] = [];
    const signal = interruption(text => said.push(text), 130);
    expect(signal.aborted).toBe(false);
    process.emit(name);
    process.emit(name);
    expect(signal.aborted).toBe(true);
    expect(said).toHaveLength(1);
  });

  test('at once by a second one, unless npm has handed on the first', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    interruption(() => {}, 130);
    process.emit('SIGINT');
    now.mockReturnValue(10_500);
    process.emit('SIGTERM');
    expect(exit).not.toHaveBeenCalled();
    now.mockReturnValue(12_000);
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
  });
});

test.each([
  [['--json'], '"interrupted": true'],
  [[], 'interrupted before any order was run'],
])('before the first order it ends with 130: %j', async (flags, word) => {
  let said = '';
  const config = new URL('commands/race.config.ts', import.meta.url).pathname;
  const code = await runExploreCommand([config, ...flags], {
    write: text => {
      said += text;
    },
    databaseUrl: undefined,
    redisUrl: undefined,
    openServers: () => Promise.reject(new Error('interrupted')),
    signal: AbortSignal.abort(),
  });
  expect(code).toBe(130);
  expect(said).toContain(word);
});

test('in the middle it ends with 130, and the verdict so far', async () => {
  const controller = new AbortController();
  let said = '';
  const config = new URL('commands/race.config.ts', import.meta.url).pathname;
  const code = await runExploreCommand([config, '--json'], {
    write: text => {
      said += text;
    },
    databaseUrl: testServers().postgresUrl,
    redisUrl: undefined,
    openServers: async ({ pgUrl = '' }) => {
      setTimeout(() => controller.abort(), 0);
      return { pgUrl, redisUrls: [], close: async () => {} };
    },
    signal: controller.signal,
  });
  expect(code).toBe(130);
  expect(JSON.parse(said)).toMatchObject({ interrupted: true });
});
