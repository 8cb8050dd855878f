import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exploreHelp } from '../../bench/explore/help.ts';
import { asksForStrategies } from '../../bench/explore/options.ts';
import { type NamedServers, runExploreCommand } from '../../src/explore/command.ts';
import { flagNames } from '../../src/explore/command-line.ts';
import { eventKinds } from '../../src/explore/search/choice.ts';
import { testServers } from '../servers.ts';

const config = fileURLToPath(new URL('commands/race.config.ts', import.meta.url));
const sleeps = fileURLToPath(new URL('commands/sleeps.config.ts', import.meta.url));

async function run(...values: string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const code = await runExploreCommand(values, {
    write: text => {
      said += text;
    },
    databaseUrl: testServers().postgresUrl,
    redisUrl: undefined,
  });
  return { code, said };
}

describe('the command', { timeout: 60_000 }, () => {
  test('prints verdict, bound, timeline and schedule, and fails on a race', async () => {
    const { code, said } = await run(config);
    expect(code).toBe(1);
    expect(said).toContain('two bookings: unsafe');
    expect(said).toContain('bound: at most 2 preemptions');
    expect(said).toMatch(/schedule v2:[AB+]+/);
    expect(said).not.toMatch(/race.free/i);
  });

  test('replays the schedule that it printed', async () => {
    const { said } = await run(config, '--json');
    const { counterexample } = JSON.parse(said);
    const again = await run(config, '--replay', counterexample.schedule);
    expect(again.code).toBe(1);
    expect(again.said).toContain('audit: {"bookings":2}');
  });

  test('a replay without a verdict is no success', async () => {
    const { code, said } = await run(sleeps, '--replay', 'v2:A');
    expect(code).toBe(3);
    expect(said).toContain('inconclusive: nothing came to rest within 100 ms');
  });

  test('nor is one that meets other steps', async () => {
    const { code, said } = await run(config, '--replay', 'v2:AAAAAAAAAAB');
    expect(code).toBe(3);
    expect(said).not.toBe('');
  });

  test('nor is one that has no world to run in', async () => {
    const nowhere = ['--database', 'postgres://nobody@127.0.0.1:1/x', '--no-redis'];
    const { code, said } = await run(config, '--replay', 'v2:AB', ...nowhere);
    expect(code).toBe(3);
    expect(said).toMatch(/^setup-failed: .*ECONNREFUSED.*\nWhat to change: start that server/);
  });

  test.each([
    [['--events', 'earthquake'], "no event 'earthquake'"],
    [['--events', 'crash,lost-reply,paus'], "no event 'paus' (did you mean 'pause'?)"],
    [['--evnts', 'crash'], '(Did you mean --events?)'],
    [['--seconds', '-1'], 'expected a number ≥ 0'],
    [['--seconds', 'soon'], 'expected a number ≥ 0'],
    [['--executions', '1.5'], 'expected a whole number ≥ 0'],
    [['--preemptions', 'two'], 'expected a whole number ≥ 0, or "unbounded"'],
  ])('%j is a mistake: exit code 2, with a word of what is possible', async (flags, word) => {
    const { code, said } = await run(config, ...flags);
    expect(code).toBe(2);
    expect(said).toContain(word);
  });

  test('so is a file that does not exist, and no file', async () => {
    expect((await run('/nowhere/race.config.ts')).code).toBe(2);
    expect(await run()).toMatchObject({ code: 2, said: expect.stringContaining('--help') });
  });
});

describe('help', () => {
  test('is no mistake', async () => {
    const { code, said } = await run('--help');
    expect(code).toBe(0);
    expect(said).toContain('--preemptions');
  });

  test('shows every flag of both forms, and every event', () => {
    const help = exploreHelp();
    for (const flag of [...flagNames(), '--scenario', '--strategy', '--pairs'])
      expect(help).toContain(flag);
    for (const kind of eventKinds) expect(help).toContain(kind);
  });

  test('a misspelt flag of the strategies is read as theirs', () => {
    expect(asksForStrategies(['--scenaro', 'appointment'])).toBe(true);
    expect(asksForStrategies(['race.config.ts', '--seconds', '9'])).toBe(false);
    expect(asksForStrategies(['race.config.ts', '--secnds', '9'])).toBe(false);
  });
});

describe('the servers that it uses', { timeout: 60_000 }, () => {
  /** Which servers were asked for, where these are given; nothing is started. */
  async function asked(values: string[], databaseUrl?: string, redisUrl?: string) {
    let named: NamedServers | undefined;
    let closed = 0;
    const code = await runExploreCommand([config, ...values], {
      write: () => {},
      databaseUrl,
      redisUrl,
      openServers: async wanted => {
        named = wanted;
        const close = async () => {
          closed++;
        };
        return { pgUrl: testServers().postgresUrl, redisUrls: [], close };
      },
    });
    return { code, named, closed };
  }

  test('are started where nothing names them, and ended', async () => {
    const named = { pgUrl: undefined, redisUrls: undefined };
    expect(await asked([])).toEqual({ code: 1, named, closed: 1 });
  });

  test('are those that a flag names before those of the environment', async () => {
    const { postgresUrl } = testServers();
    const { named } = await asked(['--database', postgresUrl], 'postgres://nobody@127.0.0.1:1/x');
    expect(named).toEqual({ pgUrl: postgresUrl, redisUrls: undefined });
  });

  test('are not started where all are named, or no Redis is wanted', async () => {
    const { postgresUrl } = testServers();
    expect(await asked(['--no-redis'], postgresUrl)).toEqual({ code: 1, closed: 0 });
  });

  test('that cannot be had end in setup-failed, with the reason', async () => {
    let said = '';
    const code = await runExploreCommand([config], {
      write: text => {
        said += text;
      },
      databaseUrl: undefined,
      redisUrl: undefined,
      openServers: () => Promise.reject(new Error('no Postgres was found')),
    });
    expect({ code, said }).toEqual({ code: 4, said: 'no Postgres was found\n' });
  });
});
