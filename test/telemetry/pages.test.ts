import { describe, expect, test } from 'vitest';
import { ChangesReceiver, ChangesSender } from '../../src/telemetry/changes.ts';
import { PageWriter } from '../../src/telemetry/pages.ts';
import { Meter, pageOf, type Snapshot } from '../../src/telemetry/prometheus.ts';

const labels = { scenario: 'appointment', variant: 'plain', strategy: 'row-lock' };
const blocks = (page: string): string[] => page.trimEnd().split('\n\n').sort();
const overTheWire = <T>(message: T): T => JSON.parse(JSON.stringify(message));

/** A process with its instruments, and what the primary knows of it. */
function openProcess() {
  const meter = new Meter('process', { runtime: false });
  const [sender, receiver] = [new ChangesSender(), new ChangesReceiver()];
  return {
    meter,
    told: async (): Promise<Snapshot> =>
      receiver.apply(overTheWire(sender.since(await meter.changed()))),
  };
}

type Process = ReturnType<typeof openProcess>;

const deeds: readonly ((process: Process) => void)[] = [
  ({ meter }) => meter.add('lockstep_commands_total', { ...labels, outcome: 'accepted' }),
  ({ meter }) => meter.observe('lockstep_audit_duration_seconds', {}, 0.01),
  ({ meter }) => meter.set('lockstep_audit_backlog_keys', {}, Math.floor(performance.now())),
  ({ meter }) => meter.zero('lockstep_commands_total', { ...labels, outcome: 'busy' }),
  () => {},
];

describe('pages one after the other', () => {
  test('say what the whole snapshots say, after any sequence of changes', async () => {
    const writer = new PageWriter();
    const processes = [openProcess(), openProcess(), openProcess()];
    for (let at = 0; at < 60; at += 1) {
      const process = processes[at % processes.length];
      if (process) deeds[(at * 3 + Math.floor(at / 7)) % deeds.length]?.(process);
      if (at === 30) processes.push(openProcess()); // one more, and then one less
      if (at === 45) processes.shift();
      const told = await Promise.all(processes.map(one => one.told()));
      const whole = await Promise.all(processes.map(one => one.meter.snapshot()));
      expect(blocks(await writer.page(told))).toEqual(blocks(await pageOf(whole)));
    }
  });

  test('forget a metric that nobody tells any more', async () => {
    const writer = new PageWriter();
    const [metric, ...others] = await new Meter('process', { runtime: false }).snapshot();
    if (!metric) throw new Error('there is no metric');
    expect(await writer.page([[metric, ...others]])).toContain(`# TYPE ${metric.name} `);
    expect(await writer.page([others])).not.toContain(`# TYPE ${metric.name} `);
    expect(await writer.page([[metric, ...others]])).toContain(`# TYPE ${metric.name} `);
  });

  test('have no empty line where a metric is left out', async () => {
    const snapshot = await new Meter('process', { runtime: true }).snapshot();
    expect(snapshot.some(metric => metric.aggregator === 'omit')).toBe(true);
    expect(await new PageWriter().page([snapshot])).not.toMatch(/\n\n\n|^\n/);
  });
});

test('a process tells all of its metrics at first, and then those that were touched', async () => {
  const meter = new Meter('process', { runtime: false });
  const names = async (): Promise<string[]> => (await meter.changed()).map(({ name }) => name);
  expect((await names()).sort()).toEqual((await meter.snapshot()).map(({ name }) => name).sort());
  expect(await names()).toEqual([]);
  meter.add('lockstep_commands_total', { ...labels, outcome: 'accepted' });
  expect(await names()).toEqual(['lockstep_commands_total']);
  meter.beforeSnapshot(() => meter.set('lockstep_audit_backlog_keys', {}, 1));
  expect(await names()).toEqual(['lockstep_audit_backlog_keys']);
});
