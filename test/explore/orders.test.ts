import { describe, expect, test } from 'vitest';
import { explore, replay } from '../../src/explore/explore.ts';
import { timelineText } from '../../src/explore/timeline/text.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { programs } from './programs.ts';

const redisUrl = await ownRedisUrl();

/** Whole requests, BEGIN counted as a step, every order. */
const wholeRequests = {
  servers: { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] },
  phases: false,
  fuseBegin: false,
  preemptions: 'unbounded',
  reduce: false,
} as const;

/** The larger programs are in test/slow. Measured by hand before this explorer existed, under the same way of counting. */
const counts: readonly (readonly [keyof typeof programs, number, number])[] = [
  ['autocommit', 6, 4],
  ['transaction', 70, 60],
  ['row lock, repeatable read', 36, 24],
  ['serializable', 70, 0],
  ['redis lease', 112, 0],
];

describe('every order of a program', () => {
  test.each(counts)(
    '%s: %i orders, %i violate',
    { timeout: 120_000 },
    async (name, orders, violating) => {
      const found = await explore(programs[name], wholeRequests);
      expect(found).toMatchObject({ orders, violating, exhausted: true, cut: false });
      expect(found.outcome).toBe(violating === 0 ? 'safe' : 'unsafe');
    },
  );
});

test('a counterexample is the shortest and ends alike in 20 of 20 replays', async () => {
  const subject = programs['row lock, repeatable read'];
  const options = { servers: wholeRequests.servers, phases: false };
  const { counterexample } = await explore(subject, options);
  if (counterexample === undefined) throw new Error('no counterexample');
  expect(counterexample.cost).toEqual({ events: 0, preemptions: 1 });
  const again = await replay(subject, counterexample.schedule, { ...options, times: 20 });
  const ends = again.map(({ violations, ends: told, lines }) => ({ violations, told, lines }));
  const { violations, ends: told, lines } = counterexample.record;
  expect(ends).toEqual(Array(20).fill({ violations, told, lines }));
});

test('the timeline has a column per actor, the wait, and what the audit found', async () => {
  const subject = programs['row lock, repeatable read'];
  const options = { servers: wholeRequests.servers, phases: false, firstOnly: true };
  const { counterexample } = await explore(subject, options);
  if (counterexample === undefined) throw new Error('no counterexample');
  const text = timelineText({ actors: Object.keys(subject.actors), counterexample });
  expect(text).toContain('for update … waits');
  expect(text).toMatch(/goes on →\s[\s\S]*\(1\)/);
  expect(text).toContain('audit: {"bookings":2}');
  expect(text).toContain(counterexample.schedule);
});

test('a strict replay that cannot be followed says where', async () => {
  const replayed = replay(programs.autocommit, 'v1:AAAB', wholeRequests);
  await expect(replayed).rejects.toThrow(/'A' is not possible here; possible are B/);
});
