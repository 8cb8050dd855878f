/** The short form of `npm run dev:rollout-drill`: real processes under k6 while their keys move. */
import { expect, test } from 'vitest';
import { drill } from '../../bench/rollout/drill/drill.ts';
import { describeWith } from './tools.ts';

describeWith('a rollout on two replicas of two processes under load', ['k6'], pathOf => {
  test('loses nothing and lets nothing through while a process stands still', async ({
    annotate,
  }) => {
    const results = await drill({
      ...{ cases: ['frozen'], seconds: 5, rate: 60, pauseMs: 250 },
      environment: { ...process.env, K6_PATH: pathOf('k6') },
      signal: new AbortController().signal,
      report: () => {},
    });
    expect(results).toHaveLength(1);
    for (const { name, broken, notes, load, closedMs } of results) {
      await annotate(`${name}: ${notes.join('; ')}`);
      expect(broken, name).toEqual([]);
      expect(load.counts.accepted, name).toBeGreaterThan(50);
      expect(load.counts.keys_audited, name).toBeGreaterThan(10);
      expect(load.counts.acknowledgements_audited, name).toBeGreaterThan(50);
      expect(closedMs.length, name).toBeGreaterThan(50);
    }
  }, 240_000);
});
