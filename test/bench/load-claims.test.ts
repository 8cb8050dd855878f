import { describe, expect, test } from 'vitest';
import { turnsLostIn } from '../../bench/lab/losses.ts';
import { brokenClaim, type Found } from '../../bench/load/judged.ts';
import type { CellResult } from '../../bench/load/schema.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench } from './example-bench.ts';
import { phase } from './example-run.ts';

const registry = await loadRegistry([]);

describe('a claim under load', () => {
  const found: Found = {
    findings: 9,
    stuck: 0,
    lostAcknowledgements: 0,
    keysHit: 4,
    turnsLost: 0,
    effectsWithoutRecord: 0,
    counted: true,
  };
  const claims = {
    safe: { verdict: 'safe', reason: 'locked before check', because: 'locked' },
    unsafe: { verdict: 'unsafe', reason: 'nothing refuses', because: 'nobody refuses' },
    'no claim': { verdict: 'no claim', reason: 'turn lost', because: 'the lease was lost' },
    unknown: { verdict: 'no claim', reason: 'strategy not given', because: 'no file' },
  } as const;

  test.each<[string, keyof typeof claims, Partial<Found>, RegExp]>([
    ['of safety is broken by any finding', 'safe', {}, /claims safety/],
    ['of safety holds where nothing was found', 'safe', { findings: 0, keysHit: 0 }, /^$/],
    ['of nothing is not broken by what the losses can harm', 'no claim', { turnsLost: 2 }, /^$/],
    [
      'of nothing is broken by one key more',
      'no claim',
      { turnsLost: 2, keysHit: 5 },
      /at least 5 keys were violated, more than 2 lost turns can explain/,
    ],
    ['counts a key for an effect', 'no claim', { effectsWithoutRecord: 4 }, /^$/],
    [
      'counts no more than a key for an effect',
      'no claim',
      { effectsWithoutRecord: 3 },
      /more than 3 effects without their record can explain/,
    ],
    ['of nothing stays where counters are missing', 'no claim', { counted: false }, /^$/],
    [
      'is broken by a lock that was left behind, whatever was lost',
      'no claim',
      { stuck: 1, turnsLost: 9 },
      /left behind/,
    ],
    ['of a hazard is not broken by what it predicts', 'unsafe', { stuck: 1 }, /^$/],
    ['of a hazard explains no missing command', 'unsafe', { lostAcknowledgements: 1 }, /missing/],
    ['of an unknown strategy is not judged', 'unknown', { lostAcknowledgements: 1 }, /^$/],
  ])('%s', (_, claim, seen, words) => {
    expect(brokenClaim(claims[claim], { ...found, ...seen })).toMatch(words);
  });
});

describe('a cell of a load that lost leases', () => {
  const [like] = exampleBench.cells;
  const plan = { ...like.plan, strategy: 'redis-lease' };
  const id = 'appointment.redis-lease.average.hot.r1';

  function rowWith(counts: Record<string, number>, lost: number) {
    const own = { leasesLost: 0, releases: { lost } };
    const cell: CellResult = {
      ...exampleBench.result('row-lock', 1, { accepted: 30, ...counts }),
      id,
      plan,
      service: { load: null, whole: phase([], own).service },
    };
    const planned = { ...exampleBench.plan, cells: [{ id, repetition: 1, plan }] };
    return summarizeBench({ plan: planned, cells: [cell] }, registry).rows[0];
  }

  test('is excused for two keys a lease, and for no more', () => {
    const excused = rowWith({ duplicates: 6, keys_violated: 6 }, 3);
    expect(excused).toMatchObject({ claimed: { verdict: 'no claim' }, claimBroken: '' });
    expect(rowWith({ duplicates: 7, keys_violated: 7 }, 3)?.claimBroken).toMatch(
      /at least 7 keys were violated, more than 3 lost turns/,
    );
  });

  test('is not called safe where nothing was found, and tells the leases that were lost', () => {
    const row = rowWith({}, 3);
    expect(row).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/^no claim: /),
      figures: { leasesLost: { mean: 3 } },
    });
  });

  test('is not excused for more wrong refusals than its keys had commands', () => {
    const { vus } = plan;
    expect(rowWith({ false_refusals: 2 * vus }, 1)?.claimBroken).toBe('');
    expect(rowWith({ false_refusals: 2 * vus + 1 }, 1)?.claimBroken).toMatch(/at least 3 keys/);
  });
});

test('a hazard whose violation was not seen is not called safe', () => {
  const { plan, result, cells } = exampleBench;
  const quiet = result('unprotected', 1, { accepted: 60 });
  const row = summarizeBench({ plan, cells: [...cells.slice(0, 2), quiet] }, registry).rows.find(
    one => one.control,
  );
  expect(row).toMatchObject({
    observed: 'inconclusive',
    because: 'its predicted violation was not seen',
  });
});

test.each([
  [{ leasesLost: 2, releases: { lost: 3 } }, 3],
  [{ leasesLost: 2, releases: { unknown: 1 } }, 3],
  [{ failures: { 'turn-lost': 2 } }, 2],
])('turns lost in %j: %i', (own, turns) => {
  expect(turnsLostIn(phase([], own).service)).toBe(turns);
});

test('no goodput is below nothing: a command in excess may be overwritten too', () => {
  const { plan, result } = exampleBench;
  const cells = [result('unprotected', 1, { accepted: 32, duplicates: 16, lost_updates: 24 })];
  const row = summarizeBench({ plan, cells }, registry).rows.find(one => one.measured > 0);
  expect(row?.figures.goodputPerSecond?.mean).toBe(0);
});
