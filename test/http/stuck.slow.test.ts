import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { makeRequest, metricsPage } from './appointments.ts';
import { ask, post, sumOf } from './requests.ts';
import { isAlive, type Ready, servingService, startMaxMs } from './running-service.ts';

const folder = await mkdtemp(join(tmpdir(), 'lockstep-stuck-'));
afterAll(() => rm(folder, { recursive: true }));

/** Its work never gives the event loop back. */
const blocking = join(folder, 'never-ends.mjs');
await writeFile(
  blocking,
  `export default {
  title: 'Blocks the event loop', store: 'pg', wording: 'steps', isolation: 'read committed',
  turns: [{ heldBy: 'process', until: 'commit',
    open: async () => ({ turn() { for (;;); }, close: async () => {} }) }],
  first: [], guard: [],
  adoption: { migration: 'none', everyWriterMustTakePart: true, poolerSafe: true, retryNeeded: false },
};`,
);

/** Opens connections and keeps them, whatever becomes of them. */
function open(count: number, url: string): Socket[] {
  const { hostname, port } = new URL(url);
  return Array.from({ length: count }, () => connect(Number(port), hostname).on('error', () => {}));
}

/** Whether so many new connections in a row are answered. */
async function answersInRow(url: string, count = 6): Promise<boolean> {
  for (let asked = 0; asked < count; asked += 1) {
    const answer = ask(`${url}/livez`).then(
      ({ status }) => status === 200,
      () => false,
    );
    const late = new Promise<false>(resolve => setTimeout(resolve, 1_000, false));
    if (!(await Promise.race([answer, late]))) return false;
  }
  return true;
}

const linux = process.platform === 'linux' ? describe : describe.skip;

linux(
  'descriptors-once: a process that once had more callers than it may open files',
  { timeout: 2 * startMaxMs },
  async () => {
    const database = await freshDatabase();
    const { ready } = servingService(
      {
        DATABASE_URL: database.url,
        PROCESSES: '2',
        DATABASE_CONNECTIONS: '2',
        LOCK_CONNECTIONS: '2',
      },
      { openFiles: 120 },
    );

    it('answers on its shared port when they have gone', async () => {
      expect(await answersInRow(ready().url)).toBe(true);
      const callers = open(600, ready().url);
      await until('they were served, refused or closed', () =>
        callers.every(({ readyState }) => readyState !== 'opening'),
      );
      await new Promise(resolve => setTimeout(resolve, 2_000)); // longer than a refusal may last
      for (const caller of callers) caller.destroy();
      await until('the port answers', () => answersInRow(ready().url), 20_000);
      for (const { pid, url } of ready().processes) {
        expect(isAlive(pid)).toBe(true);
        expect(await answersInRow(url)).toBe(true);
      }
      expect(sumOf(await metricsPage(ready().url), 'lockstep_process_exits_total')).toBe(0);
    });
  },
);

linux('a process that takes no connections', { timeout: 2 * startMaxMs }, async () => {
  const database = await freshDatabase();
  const { service, ready } = servingService({
    DATABASE_URL: database.url,
    PROCESSES: '2',
    STUCK_MS: '3000',
    ALLOW_STRATEGY_HEADER: '1',
    STRATEGY_FILES: blocking,
  });
  let processes: Ready['processes'];
  beforeAll(() => {
    processes = ready().processes;
  });
  const logged = (text: string): number => service.lines.filter(line => line.includes(text)).length;
  const killed = async (): Promise<number> =>
    sumOf(await metricsPage(ready().url), 'lockstep_processes_stuck_total');
  /** Waits until the process is another one, and takes connections on both ports. */
  async function replaced(index: number, pid: number): Promise<void> {
    await until('it is killed', () => !isAlive(pid), startMaxMs);
    const { url } = processes[index] ?? { url: '' };
    await until('its port answers', () => answersInRow(url, 1), startMaxMs);
    await until('the shared port answers', () => answersInRow(ready().url), startMaxMs);
  }

  it('because somebody stopped it with a signal is left alone', async () => {
    const { pid, url } = processes[0] ?? { pid: 0, url: '' };
    process.kill(pid, 'SIGSTOP');
    try {
      await until('it is noticed', () => logged('is stopped by a signal; it is left alone') === 1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('it answers', () => answersInRow(url));
    expect(isAlive(pid)).toBe(true);
    expect(await killed()).toBe(0);
  });

  it('because its event loop is blocked is replaced', async () => {
    const [first, second] = processes;
    const { accepts } = await makeRequest(ready().url, 1);
    const headers = { 'lock-strategy': 'never-ends' };
    const lost = post(`${first?.url}${accepts[0]}`, {}, { headers }).catch((error: Error) => error);
    await replaced(0, first?.pid ?? 0);
    expect(await lost).toBeInstanceOf(Error);
    expect(isAlive(second?.pid ?? 0)).toBe(true);
    expect(await killed()).toBe(1);
    expect(logged('takes no connections; killing it')).toBe(1);
  });

  it('from the shared port alone, for it once could not open one, is replaced', async () => {
    const { pid, url } = processes[1] ?? { pid: 0, url: '' };
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=10:']);
    const callers = open(50, ready().url);
    await new Promise(resolve => setTimeout(resolve, 1_000)); // those that it is given are lost
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=1000:']);
    for (const caller of callers) caller.destroy();
    // on its own port it is well: nobody but who watches the shares would know
    await until('its own port answers', () => answersInRow(url));
    await replaced(1, pid);
    expect(await killed()).toBe(2);
  });
});
