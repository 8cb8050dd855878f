import { describe, expect, test } from 'vitest';
import { mulberry32 } from '../../src/explore/mulberry32.ts';
import { boundAfterClean, type Counts, SequentialTest } from '../../src/rollout/sequential-test.ts';

const looks = 50;
const runs = 1_000;
const perLook = 100;

function drawn(random: () => number, share: number): Counts {
  let bad = 0;
  for (let index = 0; index < perLook; index += 1) if (random() < share) bad += 1;
  return { all: perLook, bad };
}

/** In how many runs the alarm was given, and after how many looks on average. */
function alarms(oldShare: number, newShare: number, seed: number) {
  const random = mulberry32(seed);
  let [given, delay] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    const evidence = new SequentialTest();
    for (let look = 1; look <= looks; look += 1) {
      evidence.look({ old: drawn(random, oldShare), new: drawn(random, newShare) });
      if (evidence.evidence < 20) continue;
      given += 1;
      delay += look;
      break;
    }
  }
  return { share: given / runs, looks: delay / Math.max(1, given) };
}

/** What a test that is right for one look does when it is asked at each. */
function naiveAlarms(share: number, seed: number): number {
  const random = mulberry32(seed);
  let given = 0;
  for (let run = 0; run < runs; run += 1) {
    const seen = { old: 0, new: 0, all: 0 };
    for (let look = 1; look <= looks; look += 1) {
      seen.old += drawn(random, share).bad;
      seen.new += drawn(random, share).bad;
      seen.all += perLook;
      const both = (seen.old + seen.new) / (2 * seen.all);
      const deviation = Math.sqrt((2 * both * (1 - both)) / seen.all);
      if ((seen.new - seen.old) / seen.all / deviation < 1.645) continue;
      given += 1;
      break;
    }
  }
  return given / runs;
}

describe('looking fifty times', () => {
  test.each([0.01, 0.05, 0.3])(
    'gives no more than 5 %% of false alarms at a share of %d',
    share => {
      expect(alarms(share, share, 7).share).toBeLessThanOrEqual(0.05);
      expect(alarms(share, share * 0.8, 7).share).toBeLessThanOrEqual(0.05);
    },
  );

  test('a usual test gives a third of false alarms: the same simulation sees it', () => {
    expect(naiveAlarms(0.05, 7)).toBeGreaterThan(0.2);
  });

  test('sees an arm that is much worse', () => {
    expect(alarms(0.05, 0.2, 7)).toMatchObject({ share: 1 });
    expect(alarms(0.05, 0.2, 7).looks).toBeLessThan(10);
  });
});

test('the bound behind clean keys', () => {
  expect(boundAfterClean(299)).toBeLessThan(0.01);
  expect(boundAfterClean(298)).toBeGreaterThan(0.00999);
  expect(boundAfterClean(0)).toBe(1);
});
