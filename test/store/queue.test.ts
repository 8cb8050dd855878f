import { describe, expect, test } from 'vitest';
import { AdmissionQueue } from '../../src/store/queue.ts';

const longMs = 60_000;

describe('an admission queue', () => {
  test('lets in as many as it has slots, and the others in the order of their arrival', async () => {
    const queue = new AdmissionQueue(2);
    const entered: number[] = [];
    const all = [0, 1, 2, 3, 4].map(async n => {
      expect(await queue.enter(longMs)).toBe('granted');
      entered.push(n);
    });
    await Promise.all(all.slice(0, 2));
    expect({ entered, waiting: queue.waiting }).toEqual({ entered: [0, 1], waiting: 3 });
    for (let n = 0; n < 5; n += 1) queue.leave();
    await Promise.all(all);
    expect(entered).toEqual([0, 1, 2, 3, 4]);
    expect(queue.free).toBe(2);
  });

  test('takes out who has left, and passes nothing on to it', async () => {
    const queue = new AdmissionQueue(1);
    await queue.enter(longMs);
    const left = new AbortController();
    const gone = queue.enter(longMs, left.signal);
    const next = queue.enter(longMs, new AbortController().signal);
    left.abort();
    expect(await gone).toBe('left');
    expect(queue.waiting).toBe(1);
    queue.leave();
    expect(await next).toBe('granted');
    expect(await queue.enter(longMs, left.signal)).toBe('left');
  });

  test('tells apart why somebody was not let in', async () => {
    const queue = new AdmissionQueue(1, 1);
    await queue.enter(longMs);
    expect(await queue.enter(0)).toBe('too late');
    const late = queue.enter(5);
    expect(await queue.enter(longMs)).toBe('too many');
    expect(await late).toBe('too late');
    expect(queue.waiting).toBe(0);
  });
});
