import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { count, type Made, makeRequest, metricsPage } from './appointments.ts';
import { ask, post, type Reply, sumOf } from './requests.ts';
import { isAlive, type Ready, servingService, startMaxMs } from './running-service.ts';

const database = await freshDatabase();
const serving = servingService({
  DATABASE_URL: database.url,
  PROCESSES: '4',
  ALLOW_STRATEGY_HEADER: '1',
  DATABASE_CONNECTIONS: '5',
});
let ready: Ready;
beforeAll(() => {
  ready = serving.ready();
});

/** Sends one round: every offer at once, each to the next process. */
function round({ accepts }: Made, headers: Record<string, string>): Promise<Reply[]> {
  return Promise.all(
    accepts.map((path, index) => {
      const process = ready.processes[index % ready.processes.length];
      return post(`${process?.url}${path}`, {}, { headers });
    }),
  );
}

const statuses = (replies: readonly Reply[], status: number): number =>
  replies.filter(reply => reply.status === status).length;

describe('four processes', () => {
  it('each listen on a port of its own beside the shared one', async () => {
    const urls = [ready.url, ...ready.processes.map(process => process.url)];
    expect(new Set(urls).size).toBe(5);
    expect(new Set(ready.processes.map(process => process.pid)).size).toBe(4);
    for (const url of urls)
      await until(`${url} is ready`, async () => {
        const { status, body } = await ask(`${url}/readyz`);
        return status === 200 && body.status === 'ready';
      });
  });

  it('export what they serve as 0 and stay below 100 histogram series each', async () => {
    const page = await metricsPage(ready.url);
    expect(page).toMatch(/lockstep_commands_total\{.*strategy="row-lock",outcome="unknown"\} 0/);
    expect(page.match(/_seconds_count\{scenario/g)?.length).toBeLessThanOrEqual(100);
    expect(sumOf(page, 'lockstep_processes')).toBe(4);
    expect(sumOf(page, 'lockstep_processes_in_page')).toBe(4);
    expect(page).toMatch(
      /lockstep_build_info\{version="0\.1\.0",node="[\d.]+",strategy="row-lock"\} 1/,
    );
  });

  it('count what the clients saw, and the violations that the audit sees, each once', async () => {
    const audit = await readFile(
      new URL('../../src/scenarios/appointment/audit.sql', import.meta.url),
      'utf8',
    );
    const seen = { accepted: 0, refused: 0 };
    for (let rounds = 0; rounds < 12; rounds += 1) {
      const replies = await round(await makeRequest(ready.url, 8), {
        'lock-strategy': 'unprotected',
      });
      seen.accepted += statuses(replies, 201);
      seen.refused += statuses(replies, 409);
    }
    expect(seen.accepted).toBeGreaterThan(12);
    const excess = await count(
      database.url,
      `select coalesce(sum(excess), 0)::integer as count from (${audit}) as audit
       where kind = 'duplicate'`,
      [null, [], [], []],
    );
    expect(excess).toBeGreaterThan(0);
    await until('the live audit has judged everything', async () => {
      const page = await metricsPage(ready.url);
      return sumOf(page, 'lockstep_violations_total', { kind: 'duplicate' }) >= excess;
    });
    const page = await metricsPage(ready.processes[2]?.url ?? '');
    const none = { strategy: 'unprotected' };
    expect(sumOf(page, 'lockstep_violations_total', { ...none, kind: 'duplicate' })).toBe(excess);
    expect(sumOf(page, 'lockstep_commands_total', { ...none, outcome: 'accepted' })).toBe(
      seen.accepted,
    );
    expect(sumOf(page, 'lockstep_commands_total', { ...none, outcome: 'refused' })).toBe(
      seen.refused,
    );
    expect(sumOf(page, 'lockstep_command_duration_seconds_count', none)).toBe(96);
    expect(sumOf(page, 'lockstep_audit_keys_skipped_total')).toBe(0);
  });

  it('tell when each worked on a command, on one clock: two after each other did not meet', async () => {
    const { accepts } = await makeRequest(ready.url, 2);
    const spans: number[] = [nowUs()];
    for (const [index, accept] of accepts.entries()) {
      const { origin } = new URL(ready.processes[index]?.url ?? '');
      const reply = await post(`${origin}${accept}`);
      expect(reply.status).toBe(index === 0 ? 201 : 409);
      spans.push(...String(reply.headers['command-worked-us']).split('-').map(Number), nowUs());
    }
    expect(spans).toHaveLength(7);
    expect(spans.toSorted((a, b) => a - b)).toEqual(spans);
  });

  it('let a safe strategy accept exactly one, and count no violation', async () => {
    for (let rounds = 0; rounds < 5; rounds += 1) {
      const replies = await round(await makeRequest(ready.url, 8), { 'lock-strategy': 'row-lock' });
      expect([statuses(replies, 201), statuses(replies, 409)]).toEqual([1, 7]);
    }
    const page = await metricsPage(ready.url);
    expect(sumOf(page, 'lockstep_violations_total', { strategy: 'row-lock' })).toBe(0);
  });

  it('never accept more under an in-process mutex than there are processes', async () => {
    const accepted: number[] = [];
    for (let rounds = 0; rounds < 6; rounds += 1) {
      const made = await makeRequest(ready.url, 8);
      accepted.push(statuses(await round(made, { 'lock-strategy': 'process-mutex' }), 201));
    }
    expect(Math.max(...accepted)).toBeGreaterThan(1);
    expect(Math.max(...accepted)).toBeLessThanOrEqual(4);
  });

  it('serve both kept-alive and single connections on the shared port', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { accepts } = await makeRequest(ready.url, 3);
    for (const path of accepts) {
      const reply = await post(`${ready.url}${path}`, {}, { agent });
      expect(reply.headers.connection).toBe('keep-alive');
      expect([201, 409]).toContain(reply.status);
    }
    agent.destroy();
    const single = await post(`${ready.url}${accepts[0]}`);
    expect(single.headers.connection).toBe('close');
  });
});

describe('a process that fails', { timeout: 2 * startMaxMs }, () => {
  it('costs a page its own share when it is stopped, and no count is lost', async () => {
    const stopped = ready.processes[3]?.pid ?? 0;
    const { accepts } = await makeRequest(ready.url, 1);
    await post(`${ready.processes[3]?.url}${accepts[0]}`);
    const before = await metricsPage(ready.url);
    process.kill(stopped, 'SIGSTOP');
    try {
      const page = await metricsPage(ready.processes[0]?.url ?? '');
      expect(sumOf(page, 'lockstep_processes')).toBe(4);
      expect(sumOf(page, 'lockstep_processes_in_page')).toBe(3);
      expect(sumOf(page, 'lockstep_commands_total')).toBe(sumOf(before, 'lockstep_commands_total'));
      const connections = 'lockstep_pool_connections';
      expect(sumOf(page, connections)).toBeLessThan(sumOf(before, connections));
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
    await until('it is in the page again', async () => {
      return sumOf(await metricsPage(ready.url), 'lockstep_processes_in_page') === 4;
    });
  });

  it('is replaced on its port when it is killed, and its counts stay', async () => {
    const { pid, url } = ready.processes[1] ?? { pid: 0, url: '' };
    const { accepts } = await makeRequest(ready.url, 1);
    await post(`${url}${accepts[0]}`);
    const before = sumOf(await metricsPage(ready.url), 'lockstep_commands_total');
    process.kill(pid, 'SIGKILL');
    await until(
      'its port answers again',
      () =>
        ask(`${url}/livez`).then(
          reply => reply.status === 200,
          () => false,
        ),
      startMaxMs,
    );
    const page = await metricsPage(url);
    expect(sumOf(page, 'lockstep_commands_total')).toBe(before);
    expect(sumOf(page, 'lockstep_process_exits_total')).toBe(1);
    expect(isAlive(pid)).toBe(false);
    expect(serving.service.lines.some(line => line.includes('a process exited unexpectedly'))).toBe(
      true,
    );
  });

  it('tells its last counts when it is asked to end, and is replaced too', async () => {
    const { accepts } = await makeRequest(ready.url, 1);
    const before = sumOf(await metricsPage(ready.url), 'lockstep_commands_total');
    const { pid, url } = ready.processes[2] ?? { pid: 0, url: '' };
    await post(`${url}${accepts[0]}`);
    process.kill(pid, 'SIGTERM');
    await until('it has ended', () => !isAlive(pid));
    await until('its count is there', async () => {
      return sumOf(await metricsPage(ready.url), 'lockstep_commands_total') === before + 1;
    });
  });
});

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
