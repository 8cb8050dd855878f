import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { ChangesReceiver, ChangesSender } from '../../src/telemetry/changes.ts';
import { pageOf, type Snapshot } from '../../src/telemetry/prometheus.ts';

/** Instruments as a process has them: a counter, a gauge and a histogram, each with labels. */
function instruments() {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['kind'];
  return {
    counter: new Counter({ name: 'done_total', help: 'done', labelNames, registers }),
    gauge: new Gauge({ name: 'open', help: 'open', labelNames, registers }),
    histogram: new Histogram({
      name: 'took_seconds',
      help: 'took',
      labelNames,
      registers,
      buckets: [1, 2],
    }),
    snapshot: (): Promise<Snapshot> => registry.getMetricsAsJSON(),
  };
}

const kinds = ['a', 'b', 'c', 'd'];
const kindOf = (at: number): string => kinds[at % kinds.length] ?? '';
const overTheWire = <T>(message: T): T => JSON.parse(JSON.stringify(message));

describe('changes between snapshots', () => {
  test('give the receiver the same snapshot after any sequence of changes', async () => {
    const { counter, gauge, histogram, snapshot } = instruments();
    const [sender, receiver] = [new ChangesSender(), new ChangesReceiver()];
    const steps = [
      (at: number) => counter.inc({ kind: kindOf(at) }),
      (at: number) => gauge.set({ kind: kindOf(at) }, at % 3),
      (at: number) => histogram.observe({ kind: kindOf(at) }, at % 4),
      (at: number) => histogram.zero({ kind: kindOf(at) }),
      (at: number) => counter.remove({ kind: kindOf(at) }), // moves what stands behind it
      () => {},
    ];
    for (let at = 0; at < 300; at += 1) {
      steps[(at * 7 + Math.floor(at / 5)) % steps.length]?.(at);
      const now = overTheWire(await snapshot());
      expect(overTheWire(receiver.apply(overTheWire(sender.since(await snapshot()))))).toEqual(now);
    }
  });

  test('see that another series stands in a place, though its value is the same', async () => {
    const { counter, snapshot } = instruments();
    const [sender, receiver] = [new ChangesSender(), new ChangesReceiver()];
    for (const kind of ['a', 'b']) counter.inc({ kind });
    receiver.apply(sender.since(await snapshot()));
    counter.remove({ kind: 'a' });
    counter.inc({ kind: 'c' });
    const [done] = receiver.apply(sender.since(await snapshot()));
    expect(done?.values.map(({ labels }) => labels)).toEqual([{ kind: 'b' }, { kind: 'c' }]);
  });

  test('hold what has changed and nothing else', async () => {
    const { counter, histogram, snapshot } = instruments();
    for (const kind of kinds) histogram.zero({ kind });
    const sender = new ChangesSender();
    sender.since(await snapshot());
    expect(sender.since(await snapshot())).toEqual([]);
    counter.inc({ kind: 'a' });
    const [change, ...others] = sender.since(await snapshot());
    expect(others).toEqual([]);
    expect(change).toMatchObject({ metric: { name: 'done_total' }, changed: [[0, { value: 1 }]] });
  });

  test('leave a snapshot that was given out as it is', async () => {
    const { counter, snapshot } = instruments();
    const [sender, receiver] = [new ChangesSender(), new ChangesReceiver()];
    counter.inc({ kind: 'a' });
    const before = receiver.apply(sender.since(await snapshot()));
    counter.inc({ kind: 'a' });
    receiver.apply(sender.since(await snapshot()));
    expect(before[0]?.values[0]?.value).toBe(1);
  });
});

describe('a page of several snapshots', () => {
  test('adds up what stands in the same place, and what does not', async () => {
    const [one, two, three] = [instruments(), instruments(), instruments()];
    for (const each of [one, two]) {
      each.counter.inc({ kind: 'a' }, 2);
      each.counter.inc({ kind: 'b' }, 3);
      each.histogram.observe({ kind: 'a' }, 1.5);
    }
    three.counter.inc({ kind: 'b' }, 10); // in another place than the others have it
    three.histogram.observe({ kind: 'a' }, 0.5);
    const shares = [await one.snapshot(), await two.snapshot(), await three.snapshot()];
    const page = await pageOf(shares);
    for (const line of [
      'done_total{kind="a"} 4',
      'done_total{kind="b"} 16',
      'took_seconds_bucket{le="1",kind="a"} 1',
      'took_seconds_bucket{le="2",kind="a"} 3',
      'took_seconds_sum{kind="a"} 3.5',
    ])
      expect(page.split('\n')).toContain(line);
    expect((await one.snapshot())[0]?.values[0]?.value).toBe(2); // the shares themselves are not added to
  });
});
