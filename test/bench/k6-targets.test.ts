import { describe, expect, test } from 'vitest';
import { readSettings } from '../../bench/load/k6/settings.ts';
import { type TargetsPlan, targetsOf } from '../../bench/load/k6/targets.ts';

const plan: TargetsPlan = {
  commands: 4_000,
  commandsPerKey: 8,
  keys: 100,
  spread: 'uniform',
  seed: 7,
};

describe('the targets of a load', () => {
  test.each(['hot', 'zipf', 'uniform'] as const)('give no key more than its share: %s', spread => {
    const { keys, keyOf, placeOf } = targetsOf({ ...plan, spread });
    expect(keyOf).toHaveLength(plan.commands);
    const places = new Map<number, number[]>();
    for (const [command, key] of keyOf.entries())
      places.set(key, [...(places.get(key) ?? []), placeOf[command] ?? -1]);
    expect(places.size).toBe(keys);
    for (const seen of places.values())
      expect(seen).toEqual(Array.from({ length: seen.length }, (_, place) => place));
    expect(Math.max(...[...places.values()].map(seen => seen.length))).toBe(plan.commandsPerKey);
  });

  test('hot is one key after the other', () => {
    const { keyOf } = targetsOf({ ...plan, spread: 'hot', commands: 20 });
    expect(keyOf).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
  });

  test('zipf visits few keys often: the first of 100 gets about a fifth', () => {
    // no key is replaced, so that its commands can be counted
    const { keyOf } = targetsOf({ ...plan, spread: 'zipf', commandsPerKey: plan.commands });
    const counts = new Map<number, number>();
    for (const key of keyOf) counts.set(key, (counts.get(key) ?? 0) + 1);
    const [most = 0, second = 0] = [...counts.values()].sort((a, b) => b - a);
    const harmonic = Array.from({ length: 100 }, (_, rank) => (rank + 1) ** -0.99);
    const share = 1 / harmonic.reduce((sum, one) => sum + one, 0);
    expect(most / plan.commands).toBeGreaterThan(share * 0.85);
    expect(most / plan.commands).toBeLessThan(share * 1.15);
    expect(most / second).toBeGreaterThan(1.6);
  });

  test('the same seed draws the same, another one something else', () => {
    expect(targetsOf(plan)).toEqual(targetsOf(plan));
    expect(targetsOf({ ...plan, seed: 8 }).keyOf).not.toEqual(targetsOf(plan).keyOf);
  });
});

describe('the settings of a load', () => {
  test('name everything that is wrong at once', () => {
    const given = { SPREAD: 'warm', VUS: '0', RATE: 'fast', BASE_URL: 'somewhere' };
    const read = () => readSettings(given);
    expect(read).toThrow(/BASE_URL is not set/);
    expect(read).toThrow(/SPREAD is 'warm'; write one of hot, zipf, uniform/);
    expect(read).toThrow(/VUS is '0'; write a number from 1 to 400/);
    expect(read).toThrow(/RATE is 'fast'/);
  });

  test('take the single processes where they are named', () => {
    const urls = { BASE_URL: 'http://127.0.0.1:1', PROCESS_URLS: 'http://a:1/, http://b:2' };
    expect(readSettings(urls).urls).toEqual(['http://a:1', 'http://b:2']);
    expect(readSettings({ BASE_URL: urls.BASE_URL }).urls).toEqual([urls.BASE_URL]);
  });
});
