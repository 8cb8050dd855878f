import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { redisWait, withoutLimit } from '../../src/explore/gate/redis-wait.ts';
import { RespRequests } from '../../src/explore/wire/resp.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false } as const;
const nothing = 'select 1 where false';

const calls = (...words: readonly (string | number)[]): ActorFunction => {
  return async ({ redisUrl }) => {
    const redis = new Redis(redisUrl);
    try {
      const [name = '', ...rest] = words;
      return await redis.call(String(name), ...rest);
    } finally {
      redis.disconnect();
    }
  };
};

const waits: readonly (readonly [string, number | undefined])[] = [
  ['blpop a b 600', 600_000],
  ['brpop a 0.5', 500],
  ['blmove a b left right 600', 600_000],
  ['brpoplpush a b 600', 600_000],
  ['bzpopmin a b 600', 600_000],
  ['bzpopmax a 600', 600_000],
  ['blmpop 600 2 a b left', 600_000],
  ['bzmpop 600 1 a min', 600_000],
  ['wait 1 600000', 600_000],
  ['waitaof 0 1 700', 700],
  ['xread count 1 block 600000 streams block $', 600_000],
  ['xreadgroup group block 9 block 600000 count 2 streams a >', 600_000],
  ['blpop a 0', undefined],
  ['xread block 0 streams a $', undefined],
];

describe('a command that waits', () => {
  test.each(waits)('%s', (text, limitMs) => {
    const words = text.split(' ');
    const wait = redisWait(words);
    expect(wait).toMatchObject({ limitMs });
    const parts = words.map(word => `$${word.length}\r\n${word}\r\n`);
    const sent = Buffer.from(`*${words.length}\r\n${parts.join('')}`);
    const [free] = new RespRequests().push(withoutLimit(sent, wait?.at ?? 0));
    expect(free?.words).toEqual(words.map((word, at) => (at === wait?.at ? '0' : word)));
  });

  test('is none where BLOCK names a key', () => {
    expect(redisWait(['xread', 'streams', 'block', '0'])).toBeUndefined();
  });

  const alone = waits.filter(([text, ms]) => ms !== undefined && !/group|waitaof/.test(text));
  test.each(alone)('%s ends by itself', { timeout: 20_000 }, async text => {
    const found = await explore(subject('', nothing, [calls(...text.split(' '))]), options);
    expect(found).toMatchObject({ violating: 0, exhausted: true, orders: 1 });
    const answer = text.startsWith('wait') ? 'A returned 0' : 'A returned null';
    expect([...found.ends.keys()]).toEqual([answer]);
  });
});

test('who waits for a replica holds up the steps of others once', { timeout: 30_000 }, async () => {
  const steps: ActorFunction = async ({ redisUrl }) => {
    const redis = new Redis(redisUrl);
    for (let step = 1; step <= 12; step++) await redis.incr('steps');
    redis.disconnect();
  };
  const both = subject('', nothing, [calls('wait', 1, 500), steps]);
  const found = await explore(both, { ...options, preemptions: 0, secondsMax: 15 });
  expect(found).toMatchObject({ exhausted: true, orders: 2 });
});

describe('two who wait for a job', () => {
  const consumes = calls('blpop', 'jobs', 600);
  const waits = (pushes: ActorFunction) => subject('', nothing, [consumes, consumes, pushes]);
  const [job, none] = ['["jobs","job 1"]', 'null'];
  const told = (...each: readonly (readonly [string, string])[]) =>
    each.map(([a, b]) => `A returned ${a} · B returned ${b} · C returned 1`).sort();

  test('wait longer than the others take: one gets it, the other goes home', async () => {
    const found = await explore(waits(calls('rpush', 'jobs', 'job 1')), options);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()].sort()).toEqual(told([job, none], [none, job]));
  });

  test('or have gone home before, as the event timeout', async () => {
    const events = ['timeout'] as const;
    const pushes = calls('rpush', 'jobs', 'job 1');
    const found = await explore(waits(pushes), { ...options, events, eventsMax: 2 });
    const all = told([job, none], [none, job], [none, none]);
    expect([...found.ends.keys()].sort()).toEqual(all);
  });

  test.each([
    { ms: 599_000, goHome: false },
    { ms: 601_000, goHome: true },
  ])('while another sleeps for $ms ms: both may have gone home is $goHome', async one => {
    const late: ActorFunction = async urls => {
      await sleep(one.ms);
      return calls('rpush', 'jobs', 'job 1')(urls);
    };
    const found = await explore(waits(late), { ...options, preemptions: 0 });
    expect([...found.ends.keys()].includes(told([none, none])[0] ?? '')).toBe(one.goHome);
  });
});

test('time passes for who waits while another sleeps again and again', async () => {
  const waits: ActorFunction = async urls => {
    const redis = new Redis(urls.redisUrl);
    const got = await redis.blpop('jobs', 1);
    await redis.set('given up', 'yes');
    redis.disconnect();
    return got;
  };
  const polls: ActorFunction = async ({ redisUrl }) => {
    const redis = new Redis(redisUrl);
    let polled = 1;
    for (; (await redis.get('given up')) === null; polled++) await sleep(300);
    redis.disconnect();
    return polled;
  };
  const found = await explore(subject('', nothing, [waits, polls]), { ...options, preemptions: 0 });
  expect(found.outcome).toBe('safe');
});

test("an actor's own timer fires before its wait is over, where it is due before", async () => {
  const impatient: ActorFunction = async ({ redisUrl }) => {
    const redis = new Redis(redisUrl);
    const early = new Promise(resolve => setTimeout(resolve, 100, 'early'));
    const popped = redis.blpop('jobs', 0).catch(() => 'cut');
    const told = await Promise.race([popped, early]);
    redis.disconnect();
    return told;
  };
  const found = await explore(subject('', nothing, [impatient]), options);
  expect(found).toMatchObject({ violating: 0, exhausted: true });
  expect([...found.ends.keys()]).toEqual(['A returned "early"']);
});
