import { describe, expect, it } from 'vitest';
import { labelRows } from '../../src/telemetry/labels.ts';
import { limits } from '../../src/telemetry/limits.ts';
import { metricRows } from '../../src/telemetry/metrics.ts';
import { countersOf, Meter, mergeSnapshots, pageOf } from '../../src/telemetry/prometheus.ts';
import { Recorder } from '../../src/telemetry/recorder.ts';
import { runtimeMetrics } from '../../src/telemetry/runtime.ts';
import { sumOf } from '../http/requests.ts';

const cell = { scenario: 'appointment', variant: 'plain', strategy: 'row-lock' };

describe('the table of metrics', () => {
  it.each(metricRows)('%s follows the naming rules', (name, row) => {
    expect(name).toMatch(/^lockstep_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(row.type === 'counter');
    if (row.type === 'histogram') expect(name).toMatch(/_seconds$/);
    expect(row.help).toMatch(/^[A-Z].*\.$/);
  });

  it('has an edge at every limit in seconds that a quantile is held against', () => {
    const held = Object.entries(limits).filter(([name]) => /P99Seconds$/.test(name));
    expect(held.length).toBeGreaterThan(3);
    for (const [, { buckets }] of metricRows)
      if (buckets) expect(buckets).toEqual(expect.arrayContaining(held.map(([, limit]) => limit)));
  });

  it('has no label that could hold an id', () => {
    for (const [name, { values }] of labelRows) {
      expect(name).not.toMatch(/(^|_)(id|key|user|url|path)$/);
      expect(values.length).toBeGreaterThan(0);
    }
    const used = new Set(metricRows.flatMap(([, row]) => row.labels));
    expect(
      labelRows.map(([name]) => name).filter(name => ![...used].some(label => label === name)),
    ).toEqual([]);
  });

  it('is registered as it stands, in the processes or in the service', async () => {
    const page = await pageOf([
      await new Meter('process', { runtime: false }).snapshot(),
      await new Meter('service', { runtime: false }).snapshot(),
    ]);
    for (const [name, { type }] of metricRows) expect(page).toContain(`# TYPE ${name} ${type}\n`);
  });

  it('has no runtime metric that breaks the naming rules', async () => {
    const page = await pageOf([await new Meter('process', { runtime: true }).snapshot()]);
    expect(page).toContain('# TYPE nodejs_eventloop_lag_seconds gauge');
    expect(page).not.toMatch(/^# TYPE \w+_total gauge/m);
    for (const name of Object.keys(runtimeMetrics)) expect(page).toContain(`# TYPE ${name} `);
  });
});

describe('metrics of several processes', () => {
  it('sums counters and histograms, and takes the stalest audit', async () => {
    const meters = [1, 2, 3].map(() => new Meter('process', { runtime: true }));
    for (const [index, meter] of meters.entries()) {
      const recorder = new Recorder(meter);
      recorder.outcome(cell, { kind: 'accepted', detail: '1', attempts: 2 }, 0.003, '1');
      meter.set('lockstep_audit_last_success_timestamp_seconds', {}, 100 + index);
    }
    const page = await pageOf(await Promise.all(meters.map(meter => meter.snapshot())));
    expect(sumOf(page, 'lockstep_commands_total', { outcome: 'accepted' })).toBe(3);
    expect(sumOf(page, 'lockstep_attempts_total')).toBe(6);
    const name = 'lockstep_command_duration_seconds';
    expect(sumOf(page, `${name}_count`)).toBe(3);
    expect(sumOf(page, `${name}_bucket`, { le: '0.002' })).toBe(0);
    expect(sumOf(page, `${name}_bucket`, { le: '0.005' })).toBe(3);
    expect(sumOf(page, 'lockstep_audit_last_success_timestamp_seconds')).toBe(100);
  });

  it('leaves out what means nothing of several processes, also where there is one', async () => {
    for (const count of [1, 3]) {
      const meters = Array.from({ length: count }, () => new Meter('process', { runtime: true }));
      const snapshots = await Promise.all(meters.map(meter => meter.snapshot()));
      const omitted = snapshots[0]?.filter(metric => metric.aggregator === 'omit') ?? [];
      expect(omitted.length).toBeGreaterThan(0);
      const page = await pageOf(snapshots);
      for (const { name } of omitted) expect(page).not.toContain(`# TYPE ${name} `);
    }
  });

  it('keeps what a process has counted, and not how it was, when it is gone', async () => {
    const meter = new Meter('process', { runtime: true });
    new Recorder(meter).outcome(cell, { kind: 'refused', detail: 'full', attempts: 1 }, 1, '1');
    meter.set('lockstep_pool_waiting', { pool: 'work' }, 7);
    const gone = countersOf(await meter.snapshot());
    const twice = await mergeSnapshots([await mergeSnapshots([[], gone]), gone]);
    const page = await pageOf([twice]);
    expect(sumOf(page, 'lockstep_commands_total')).toBe(2);
    expect(page).not.toContain('lockstep_pool_waiting');
    expect(page).toContain('process_cpu_seconds_total');
  });

  it('has keys audited on which something was, or may have been, done here or outside', () => {
    const touched: string[] = [];
    const recorder = new Recorder(new Meter('process', { runtime: false }), {
      touched: (_, key) => touched.push(key),
    });
    const end = (kind: 'accepted' | 'unknown' | 'busy', key: string) => {
      const detail = 'conflict';
      recorder.outcome(cell, { kind, detail, attempts: 1 }, 1, key);
    };
    end('accepted', '1');
    end('unknown', '2');
    end('busy', '3');
    recorder.reachedOut(cell, '4');
    end('busy', '4');
    expect(touched).toEqual(['1', '2', '4']);
  });

  it('exports every label set of the strategy in service as 0', async () => {
    const meter = new Meter('process', { runtime: false });
    const recorder = new Recorder(meter);
    recorder.expect(cell);
    const page = await pageOf([await meter.snapshot()]);
    for (const outcome of ['accepted', 'refused', 'busy', 'failed', 'unknown'])
      expect(page).toContain(
        `lockstep_commands_total{scenario="appointment",variant="plain",strategy="row-lock",outcome="${outcome}"} 0`,
      );
    expect(page.match(/_seconds_count\{scenario/g)).toHaveLength(7);
  });

  it('exports the counters of another cell as 0 when it is first met, and forgets nothing', async () => {
    const meter = new Meter('process', { runtime: false });
    const recorder = new Recorder(meter);
    const accepted = { kind: 'accepted', detail: '1', attempts: 1 } as const;
    for (let commands = 0; commands < 2; commands += 1) {
      recorder.phase(cell, 'hold', 0.001);
      recorder.outcome(cell, accepted, 0.003, '1');
    }
    const page = await pageOf([await meter.snapshot()]);
    const labels = 'scenario="appointment",strategy="row-lock"';
    expect(page).toContain(`lockstep_violations_total{${labels},kind="duplicate"} 0`);
    expect(page.match(/lockstep_lock_releases_total\{/g)).toHaveLength(4);
    expect(sumOf(page, 'lockstep_commands_total')).toBe(2);
    expect(sumOf(page, 'lockstep_attempt_phase_seconds_count')).toBe(2);
  });
});
