import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Chart } from '../../grafana/board.ts';
import { boards } from '../../grafana/boards/index.ts';
import { alertRules } from '../../grafana/rules/alerts.ts';
import { recordingRules } from '../../grafana/rules/recording.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { freePort } from '../../src/services/index.ts';
import { freshDatabase } from '../database.ts';
import { root } from '../house/sources.ts';
import { makeRequest } from '../http/appointments.ts';
import { post } from '../http/requests.ts';
import { type Ready, RunningService } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { SteadyLoad } from './prometheus-load.ts';
import { eventually, PrometheusServer, type Sample } from './prometheus-server.ts';
import { describeWith, find } from './tools.ts';

const rules = ['recording.yml', 'alerts.yml'].map(name => join(root, 'grafana', 'rules', name));
/** Seen on quiet cores: shown after 3 s, firing after 10. On taken ones it says nothing of us. */
const fireMaxMs = 120_000;
const strategies = ['row-lock', 'unprotected', 'redis-lease', 'version-column'];

/** What Grafana would put in. */
const values: Readonly<Record<string, string>> = {
  $__rate_interval: '15s',
  $__range: '5m',
  $instance: '.+',
  $job: '.+',
  $scenario: '.+',
  $strategy: '.+',
  $old: 'unprotected',
  $new: 'row-lock',
};
const filledIn = (expr: string): string =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), expr);

const charts = [...boards].flatMap(([name, { sections, marks }]) => [
  ...sections.flatMap(({ title, charts }) =>
    charts.map(chart => [`${name} / ${title} / ${chart.title}`, chart] as const),
  ),
  ...marks.map(({ name: mark, expr, text }) => {
    const chart: Pick<Chart, 'queries' | 'mayBeEmpty' | 'source'> = {
      queries: [{ expr, legend: text }],
      mayBeEmpty: 'nothing has changed within the last minute',
    };
    return [`${name} / mark / ${mark}`, chart] as const;
  }),
]);

describeWith('a real Prometheus', ['promtool', 'prometheus'], async pathOf => {
  const registry = await loadRegistry();
  const { url: databaseUrl } = await freshDatabase();
  const { redisUrl } = testServers();
  const answers: string[] = [];
  const client = new pg.Client({ connectionString: databaseUrl });
  const children: ReturnType<typeof spawn>[] = [];
  let service: RunningService | undefined;
  let ready: Ready;
  let prometheus: PrometheusServer;
  let load: SteadyLoad;

  beforeAll(async () => {
    service = new RunningService({
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      PROCESSES: '2',
      ALLOW_STRATEGY_HEADER: '1',
    });
    ready = await service.ready();
    await client.connect();
    const targets = { lockstep: new URL(ready.url).host, ...(await exporters()) };
    prometheus = await PrometheusServer.start(pathOf('prometheus'), targets, rules);
    const urls = ready.processes.map(({ url }) => url);
    load = new SteadyLoad({ databaseUrl, registry, urls, strategies });
    await load.start();
    await eventually('the load is in the metrics', () => seen(12), 150_000);
    if (!find('k6')) return;
    const said = startK6();
    const k6 = async () => {
      if (children.at(-1)?.exitCode !== null) throw new Error(`k6 has ended: ${said.join('')}`);
      return (await prometheus.query('k6_http_req_duration_p99')).length > 0;
    };
    await eventually('k6 is in the metrics', k6, 60_000);
  });

  afterAll(async () => {
    await load?.stop();
    for (const child of children.filter(({ exitCode }) => exitCode === null)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await prometheus?.stop();
    await Promise.all([service?.stop(), client.end()]);
    const { PANEL_ANSWERS } = process.env;
    if (PANEL_ANSWERS) writeFileSync(PANEL_ANSWERS, `${answers.join('\n')}\n`);
  });

  /** So many scrapes of it, and the audits and laps of the sweep that belong to them. */
  async function seen(least: number): Promise<boolean> {
    const scrapes = await prometheus.query('count_over_time(lockstep_processes[10m])');
    const swept = await prometheus.query('sum(lockstep_audit_sweep_laps_total)');
    const enough = (samples: readonly Sample[], wanted: number): boolean =>
      (samples[0]?.value ?? 0) >= wanted;
    return enough(scrapes, least) && enough(swept, registry.scenarios.size);
  }

  async function exporters(): Promise<Record<string, string>> {
    const targets: Record<string, string> = {};
    const start = async (job: string, path: string, args: string[], env: NodeJS.ProcessEnv) => {
      const port = await freePort();
      const listen = `--web.listen-address=127.0.0.1:${port}`;
      children.push(spawn(path, [listen, ...args], { env, stdio: 'ignore' }));
      targets[job] = `127.0.0.1:${port}`;
    };
    const postgres = find('postgres exporter');
    const dsn = `${databaseUrl}?sslmode=disable`;
    if (postgres) await start('postgres', postgres, [], { DATA_SOURCE_NAME: dsn });
    const redis = find('redis exporter');
    if (redis) await start('redis', redis, [`--redis.addr=${redisUrl}`], {});
    return targets;
  }

  /** A scrape may be missed on busy cores: what has to be there is waited for. */
  async function answered(expr: string, must: boolean): Promise<readonly Sample[]> {
    let got = await prometheus.query(expr);
    const come = async (): Promise<boolean> => {
      got = await prometheus.query(expr);
      return got.some(isNumber);
    };
    if (must && !got.some(isNumber)) await eventually(expr, come, 60_000);
    return got;
  }

  /** A load whose measures k6 itself writes into Prometheus, until it is ended. */
  function startK6(): readonly string[] {
    const script = join(root, 'bench', 'load', 'k6', 'scenario.ts');
    const given = {
      SCENARIO: 'appointment',
      BASE_URL: ready.url,
      PROCESS_URLS: ready.processes.map(({ url }) => url).join(','),
      STRATEGY: 'row-lock',
      WORKLOAD: 'average',
      RATE: '20',
      VUS: '20',
      WARM_UP_SECONDS: '1',
      DURATION_SECONDS: '240',
    };
    const said = Object.entries(given).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const output = ['-o', 'experimental-prometheus-rw'];
    const quiet = ['--quiet', '--no-usage-report', '--address=127.0.0.1:0'];
    const env = {
      K6_PROMETHEUS_RW_SERVER_URL: `${prometheus.url}/api/v1/write`,
      K6_PROMETHEUS_RW_TREND_STATS: 'p(95),p(99)',
      K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
    };
    const args = ['run', ...quiet, ...output, ...said, script];
    const child = spawn(find('k6') ?? '', args, { env });
    children.push(child);
    const told: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => told.push(chunk.toString()));
    return told;
  }

  test.each(charts)('answers every query of %s', async (name, { queries, mayBeEmpty, source }) => {
    const here = source !== undefined && find(source) !== undefined;
    for (const { expr } of queries) {
      const must = !mayBeEmpty || here;
      const got = await answered(filledIn(expr), must);
      answers.push(`${name}\t${expr}\t${summary(got, mayBeEmpty)}`);
      if (must) expect(got.filter(isNumber), expr).not.toEqual([]);
    }
  });

  test.each(recordingRules.map(rule => [rule.record ?? '', rule] as const))(
    'records %s',
    async (name, { expr }) => {
      const got = await answered(name, true);
      answers.push(`rule / ${name}\t${expr}\t${summary(got)}`);
      expect(got).not.toEqual([]);
    },
  );

  test.each(alertRules.map(rule => [rule.alert ?? '', rule] as const))(
    'understands %s',
    async (name, { expr, labels: { severity } = {} }) => {
      const got = await prometheus.query(expr);
      answers.push(`alert / ${name}\t${expr}\t${summary(got, 'does not fire')}`);
      // how long anything takes here is nobody's fault: only what is wrong is asserted
      if (severity === 'page')
        for (const { labels } of got) expect(labels.strategy).not.toBe('row-lock');
    },
  );

  test('evaluates every rule without an error', async () => {
    const text = JSON.stringify(await prometheus.api('rules'));
    expect(text.match(/"health":"ok"/g)).toHaveLength(recordingRules.length + alertRules.length);
  });

  test('shows a planted duplicate in the overview, and pages', async () => {
    const [chart] = boards.get('overview')?.sections[0]?.charts ?? [];
    const query = `sum(${filledIn(chart?.queries[0]?.expr ?? '').replace('strategy=~".+"', 'strategy="row-lock"')})`;
    expect(await answered(query, true)).toMatchObject([{ value: 0 }]);
    const startMs = performance.now();
    for (let planted = 0; planted < 2; planted += 1) await plantDuplicate();
    await eventually(
      'the overview shows it',
      async () => ((await prometheus.query(query))[0]?.value ?? 0) > 0,
      fireMaxMs,
    );
    const shownMs = performance.now() - startMs;
    const firing =
      'ALERTS{alertname="LockstepDuplicate", alertstate="firing", severity="page", strategy="row-lock"}';
    await eventually(
      'the alert fires',
      async () => (await prometheus.query(firing)).length === 1,
      fireMaxMs - shownMs,
    );
    const firedMs = performance.now() - startMs;
    const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
    answers.push(
      `planted duplicate: shown after ${seconds(shownMs)}, firing after ${seconds(firedMs)}`,
    );
  });

  test('passes the tests of the rules', async () => {
    const said = await promisify(execFile)(
      pathOf('promtool'),
      ['test', 'rules', join(root, 'grafana', 'rules', 'alerts.test.yml')],
      { timeout: 240_000 },
    );
    expect(said.stdout).toContain('SUCCESS');
  });

  /** One offer is accepted under the safe strategy, and somebody else writes a second appointment. */
  async function plantDuplicate(): Promise<void> {
    const { id, accepts } = await makeRequest(ready.url, 2);
    await post(`${ready.url}${accepts[0]}`, {}, { headers: { 'lock-strategy': 'row-lock' } });
    await client.query(
      `insert into appointments (request_id, offer_id, therapist_id, command_id)
       select request_id, id, therapist_id, gen_random_uuid() from appointment_offers
       where request_id = $1 and status <> 'accepted'`,
      [id],
    );
  }
});

const isNumber = ({ value }: Sample): boolean => !Number.isNaN(value);

function summary(got: readonly Sample[], mayBeEmpty?: string): string {
  const [highest] = got.filter(isNumber).sort((a, b) => b.value - a.value);
  if (got.length > 0 && !highest) return `${got.length} series without a number: ${mayBeEmpty}`;
  if (!highest) return `empty: ${mayBeEmpty ?? 'NOT DOCUMENTED'}`;
  const { labels, value } = highest;
  const named = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
  return `${got.length} series, highest {${named.join(', ')}} ${Number(value.toPrecision(4))}`;
}
