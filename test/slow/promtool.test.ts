import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { makeRequest, metricsPage } from '../http/appointments.ts';
import { post } from '../http/requests.ts';
import { type Ready, RunningService } from '../http/running-service.ts';
import { describeWith } from './tools.ts';

describeWith('the metrics page of four processes', ['promtool'], async pathOf => {
  const { url: databaseUrl } = await freshDatabase();
  let service: RunningService | undefined;
  let ready: Ready;

  beforeAll(async () => {
    service = new RunningService({
      DATABASE_URL: databaseUrl,
      PROCESSES: '4',
      ALLOW_STRATEGY_HEADER: '1',
    });
    ready = await service.ready();
    for (const strategy of ['row-lock', 'unprotected']) await contended(ready, strategy);
  });
  afterAll(() => service?.stop());

  test('is what `promtool check metrics` has nothing against', async () => {
    const page = await metricsPage(ready.url);
    expect(page).toMatch(
      /lockstep_commands_total\{.*strategy="unprotected",outcome="accepted"\} [1-9]/,
    );
    expect(await promtool(pathOf('promtool'), page)).toEqual({ code: 0, said: '' });
  });

  test('would be found fault with where a counter did not say so in its name', async () => {
    const page = (await metricsPage(ready.url)).replaceAll('commands_total', 'commands');
    const { code, said } = await promtool(pathOf('promtool'), page);
    expect(said).toContain('lockstep_commands counter metrics should have "_total" suffix');
    expect(code).not.toBe(0);
  });
});

/** One request that all its offers are accepted for at once, over all processes. */
async function contended(ready: Ready, strategy: string): Promise<void> {
  const { accepts } = await makeRequest(ready.url, 8);
  const headers = { 'lock-strategy': strategy };
  const { processes } = ready;
  await Promise.all(
    accepts.map((path, index) =>
      post(`${processes[index % processes.length]?.url}${path}`, {}, { headers }),
    ),
  );
}

async function promtool(
  program: string,
  page: string,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(program, ['check', 'metrics'], { timeout: 120_000 });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const ended = once(child, 'close');
  child.stdin.end(page);
  await ended;
  return { code: child.exitCode, said };
}
