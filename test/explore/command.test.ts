import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runExploreCommand } from '../../src/explore/command.ts';
import { testServers } from '../servers.ts';

const config = fileURLToPath(new URL('commands/race.config.ts', import.meta.url));

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

  test('a mistake in its arguments is exit code 2, with a word of what is possible', async () => {
    expect((await run(config, '--events', 'earthquake')).said).toContain("no event 'earthquake'");
    expect((await run('/nowhere/race.config.ts')).code).toBe(2);
  });
});
