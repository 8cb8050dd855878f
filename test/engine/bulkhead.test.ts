import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import { Bulkhead, type BulkheadLimits, NotLetIn, type Place } from '../../src/engine/bulkhead.ts';
import advisorySession from '../../strategies/advisory-session.ts';
import rowLock from '../../strategies/row-lock.ts';

const usual: BulkheadLimits = {
  connections: { work: 10, locks: 4 },
  waitersPerKey: 1_000,
  commandsMax: 4_000,
};
const longMs = 60_000;

/** A bulkhead on a clock of the test's own. */
function bulkhead(limits: Partial<BulkheadLimits> = {}) {
  const clock = { ms: 0 };
  const made = new Bulkhead({ ...usual, ...limits }, () => clock.ms);
  const enter = (keys: readonly string[], strategy: Strategy = rowLock, left?: AbortSignal) =>
    made.enter(strategy, keys, { deadlineMs: longMs, ...(left && { left }) });
  /** Enters until one has to wait. */
  const fill = async (key: string, strategy?: Strategy): Promise<Place[]> => {
    const inside: Place[] = [];
    while (made.waiting === 0)
      enter([key], strategy).then(
        place => inside.push(place),
        () => {},
      );
    await new Promise(setImmediate);
    return inside;
  };
  return { made, clock, enter, fill };
}

const refusal = (entering: Promise<Place>): Promise<unknown> =>
  entering.then(
    () => 'let in',
    error => (error instanceof NotLetIn ? error.code : error),
  );

describe('the bulkhead', () => {
  test('lets in half of the smallest pool per key, and never only one where there are more', async () => {
    const inside = async (limits: Partial<BulkheadLimits>, strategy: Strategy) =>
      (await bulkhead(limits).fill('a', strategy)).length;
    expect(await inside({}, rowLock)).toBe(5);
    expect(await inside({}, advisorySession)).toBe(2);
    expect(await inside({ connections: { work: 3, locks: 3 } }, rowLock)).toBe(2);
    expect(await inside({ connections: { work: 1, locks: 1 } }, rowLock)).toBe(1);
  });

  test('a key is let in whoever waits for another, and a waiter when one of its key leaves', async () => {
    const { made, enter, fill } = bulkhead();
    const inside = await fill('a');
    (await enter(['b'])).leave();
    expect(made.waiting).toBe(1);
    inside[0]?.leave();
    expect(made.waiting).toBe(0);
  });

  test('several hot keys share what is beyond two each, and leave others their connections', async () => {
    const { made, enter, fill } = bulkhead();
    const hot = await fill('a');
    const second: Place[] = [];
    for (let asks = 0; asks < 20; asks += 1)
      enter(['b']).then(
        place => second.push(place),
        () => {},
      );
    await new Promise(setImmediate);
    expect([hot.length, second.length]).toEqual([5, 2]);
    expect(made.waiting).toBe(1 + 18);
    (await enter(['c'])).leave();
    // one of the first key goes: the next of it has no more right to its place than the other key
    hot.at(-1)?.leave();
    await new Promise(setImmediate);
    expect(second.length).toBe(3);
    for (const place of second.splice(0)) place.leave();
    await new Promise(setImmediate);
    expect(second.length).toBeGreaterThanOrEqual(2);
  });

  test('of a crowd that came at once, those who stand last are told first', async () => {
    const { made } = bulkhead();
    const told: number[] = [];
    const crowd = Array.from({ length: 205 }, (_, index) =>
      made.enter(rowLock, ['a'], { deadlineMs: 1_000 }).catch(() => void told.push(index)),
    );
    await Promise.race([Promise.all(crowd), new Promise(resolve => setTimeout(resolve, 1_500))]);
    expect(told).toHaveLength(200);
    expect(Math.min(...told.slice(0, 50))).toBeGreaterThan(Math.max(...told.slice(-50)));
    // where little time is left nobody gives up more than a tenth of it
    const { made: hurried } = bulkhead();
    let turned = 0;
    for (let asks = 0; asks < 205; asks += 1)
      hurried.enter(rowLock, ['a'], { deadlineMs: 50 }).catch(() => {
        turned += 1;
      });
    await new Promise(setImmediate);
    expect(turned).toBe(0);
  });

  test('a command of several hot keys takes one share of what they have in common', async () => {
    const { enter } = bulkhead();
    const places: Place[] = [];
    const both = (): void =>
      void enter(['a', 'b']).then(
        place => places.push(place),
        () => {},
      );
    for (let asks = 0; asks < 12; asks += 1) both();
    await new Promise(setImmediate);
    expect(places.length).toBe(5);
    let done = 0;
    while (places.length > 0 && done < 100) {
      done += 1;
      places.shift()?.leave();
      await new Promise(setImmediate);
    }
    expect(done).toBe(12);
  });

  test('a command of several keys takes a place at each, and one that fails leaves none taken', async () => {
    const { made, enter, fill } = bulkhead();
    await fill('b');
    const left = new AbortController();
    const both = refusal(enter(['a', 'b'], rowLock, left.signal));
    const first = await enter(['a']);
    for (let asks = 0; asks < 4; asks += 1) enter(['a']).catch(() => {});
    await new Promise(setImmediate);
    expect(made.waiting).toBe(3 + 1 + 2); // three of a for a share, the fifth, and two of b
    left.abort();
    expect(await both).toBe('caller-left');
    first.leave(); // its key is nobody's: none of them waits for what the other key has
    await new Promise(setImmediate);
    expect(made.waiting).toBe(2 + 1);
  });

  test('refuses who would be one waiter too many for its key, or one command for the process', async () => {
    const few = bulkhead({ waitersPerKey: 1 });
    await few.fill('a');
    expect(await refusal(few.enter(['a']))).toBe('too-many-waiters');
    expect(await refusal(few.enter(['b']))).toBe('let in');
    const small = bulkhead({ commandsMax: 3 });
    const places = await Promise.all(['a', 'b', 'c'].map(key => small.enter([key])));
    expect(await refusal(small.enter(['d']))).toBe('too-many-waiters');
    places[0]?.leave();
    expect(await refusal(small.enter(['d']))).toBe('let in');
  });

  test('says how long those ahead take, at the pace of those before them', async () => {
    const { clock, enter, fill } = bulkhead();
    const inside = await fill('a'); // and one waits
    for (const place of inside.slice(0, 3)) {
      clock.ms += 200;
      place.leave();
    }
    const place = await enter(['a']);
    expect(place.aheadMs).toBe(4 * 200);
    clock.ms += 5_000; // nobody has come out for so long
    expect(place.aheadMs).toBe(5_000);
    expect((await enter(['b'])).aheadMs).toBe(0);
  });
});
