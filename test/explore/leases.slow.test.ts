import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import {
  type ActorFunction,
  type ExecutionRecord,
  type Exploration,
  explore,
  replay,
  type Subject,
} from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false } as const;
const table = 'create table payment (request int)';
const paidTwice = 'select request from payment group by request having count(*) > 1';
const pay = onePgClient(query => query('insert into payment values (1)'));

/** Takes keys with their lengths one after the other, and pays when it got them all. */
const underKeys = (who: string, keys: Readonly<Record<string, number>>): ActorFunction => {
  return async urls => {
    const redis = new Redis(urls.redisUrl);
    try {
      for (const [key, seconds] of Object.entries(keys)) {
        if ((await redis.set(key, who, 'EX', seconds, 'NX')) === null) return `no ${key}`;
      }
      await pay(urls);
      return 'paid';
    } finally {
      redis.disconnect();
    }
  };
};
const both = (keys: Readonly<Record<string, number>>): Subject =>
  subject(table, paidTwice, [underKeys('a', keys), underKeys('b', keys)]);

function event(found: Exploration): string | undefined {
  return found.counterexample?.record.lines.find(line => line.store === 'event')?.result;
}

describe('a lease ends by its own length:', () => {
  test('a key of a day is kept, and named', async () => {
    const kept: string[] = [];
    const day = both({ lock: 5, 'idem:7': 86_400 });
    const found = await explore(day, { ...options, events: ['lease-expires', 'pause'] });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    const serial = 'v2:AAABBB';
    const records = await replay(day, serial, {
      ...options,
      mode: 'guided',
      events: ['lease-expires'],
    });
    for (const { keptKeys } of records) kept.push(...keptKeys);
    expect(kept).toEqual(['idem:7 lives 86 400 s']);
  });

  test('and ends when a lease may be as long as that', async () => {
    const events = ['lease-expires'] as const;
    const day = both({ lock: 5, 'idem:7': 86_400 });
    const found = await explore(day, { ...options, events, leaseSecondsMax: 86_400 });
    expect(found.outcome).toBe('unsafe');
    expect(event(found)).toBe('idem:7 (86 400 000 ms), lock (5 000 ms) expired');
  });

  test('the shorter one alone, and the longer one with it', async () => {
    const events = ['lease-expires'] as const;
    const found = await explore(both({ lock: 30, guard: 5 }), { ...options, events });
    expect(event(found)).toBe('guard (5 000 ms), lock (30 000 ms) expired');
    const shapes = new Set<string>();
    const all = both({ lock: 30, guard: 5 });
    await replay(all, 'v2:AA%1B', { ...options, events, mode: 'guided' }).then(([record]) => {
      for (const { result } of record?.lines ?? []) shapes.add(result);
    });
    expect([...shapes]).toContain('guard (5 000 ms) expired');
  });

  test('time that has passed for one has passed for the others', async () => {
    const all = both({ lock: 30, guard: 5 });
    const twice = { ...options, events: ['lease-expires'], eventsMax: 2, mode: 'guided' } as const;
    const [record] = await replay(all, 'v2:AA%1%1', twice);
    const passed = record?.lines.filter(line => line.store === 'event').map(line => line.result);
    expect(passed).toEqual(['guard (5 000 ms) expired', 'lock (25 000 ms) expired']);
  });

  test('of two as long, the one that was taken before', async () => {
    const one = subject(table, paidTwice, [underKeys('a', { x: 5 }), underKeys('b', { y: 5 })]);
    const events = ['lease-expires'] as const;
    const endings = async (schedule: string): Promise<string[]> => {
      const [record] = await replay(one, schedule, { ...options, events, mode: 'guided' });
      return (record?.lines ?? []).filter(line => line.store === 'event').map(line => line.result);
    };
    expect(await endings('v2:AB%1')).toEqual(['x (5 000 ms) expired']);
    expect(await endings('v2:BA%1')).toEqual(['y (5 000 ms) expired']);
    expect(await endings('v2:AB%2')).toEqual(['x (5 000 ms), y (5 000 ms) expired']);
  });

  test('whoever listens for keys that expire hears of it', async () => {
    const heard: ActorFunction = async ({ redisUrl }) => {
      const redis = new Redis(redisUrl);
      const holder = new Redis(redisUrl);
      try {
        await redis.config('SET', 'notify-keyspace-events', 'Ex');
        const message = new Promise(resolve => redis.on('message', (_, key) => resolve(key)));
        await redis.subscribe('__keyevent@0__:expired');
        await holder.set('lock', 'me', 'EX', 60);
        await holder.get('other');
        return await message;
      } finally {
        redis.disconnect();
        holder.disconnect();
      }
    };
    const events = ['lease-expires'] as const;
    const listens = subject(table, paidTwice, [heard]);
    const [record] = await replay(listens, 'v2:AAA2%1', { ...options, events, mode: 'guided' });
    expect(record?.ends).toEqual([{ kind: 'returned', value: 'lock' }]);
  });

  test('in any database of the server', async () => {
    const holds: ActorFunction = async ({ redisUrl }) => {
      const redis = new Redis(redisUrl, { db: 3 });
      try {
        await redis.set('lock', 'me', 'EX', 60);
        await redis.get('other');
        return (await redis.get('lock')) ?? 'lost';
      } finally {
        redis.disconnect();
      }
    };
    const events = ['lease-expires'] as const;
    const one = subject(table, paidTwice, [holds]);
    const [record] = await replay(one, 'v2:A%1', { ...options, events, mode: 'guided' });
    expect(record).toMatchObject({ ends: [{ kind: 'returned', value: 'lost' }], expired: [] });
  });

  test('schedules of version 1 end all of them at once', async () => {
    const events = ['lease-expires'] as const;
    const all = both({ lock: 30, 'idem:7': 86_400 });
    const [record] = await replay(all, 'v1:AA%BBBA', { ...options, events });
    expect(record?.violations).toEqual(['{"request":1}']);
  });

  test('20 of 20 replays meet the same, with keys named at random', async () => {
    const random: ActorFunction = async urls => {
      const key = `lock:${crypto.randomUUID()}`;
      return underKeys('me', { turn: 30, [key]: 5, [`${key}:2`]: 7 })(urls);
    };
    const events = ['lease-expires'] as const;
    const two = subject(table, paidTwice, [random, random]);
    const { counterexample } = await explore(two, { ...options, events });
    expect(counterexample?.schedule).toMatch(/%\d/);
    const schedule = counterexample?.schedule ?? '';
    const records = await replay(two, schedule, { ...options, events, times: 20 });
    const told = (record: ExecutionRecord | undefined) => [record?.ends, record?.violations];
    expect(records.map(told)).toEqual(Array(20).fill(told(counterexample?.record)));
  });
});

describe('a lease that runs out in real time', () => {
  const [redisUrl = ''] = servers.redisUrls;
  const short = (ms: number): ActorFunction => {
    return async urls => {
      const redis = new Redis(urls.redisUrl);
      try {
        if ((await redis.set('lock', 'me', 'PX', ms, 'NX')) === null) return 'busy';
        for (let turn = 0; turn < 10; turn++) await redis.get(`slow ${turn}`);
        await pay(urls);
        return (await redis.get('lock')) === null ? 'lost' : 'paid';
      } finally {
        redis.disconnect();
      }
    };
  };

  test('makes no verdict, and is named', async () => {
    const found = await explore(subject(table, paidTwice, [short(3), short(3)]), {
      ...options,
      preemptions: 0,
    });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('Redis key lock ran out in real time');
    expect(found.advice).toContain('`lease-expires`');
  });

  test('is blamed for what differs from then on', async () => {
    let runs = 0;
    const wavers: ActorFunction = async urls => {
      const redis = new Redis(urls.redisUrl);
      runs++;
      const text = runs % 3 === 0 ? 'select 1 as a, now()' : 'select count(*) from pg_class';
      try {
        await redis.set('lock', 'me', 'PX', 1);
        await onePgClient(query => query('select pg_sleep(0.02)'))(urls);
        await redis.get('lock');
        await onePgClient(query => query(text))(urls);
      } finally {
        redis.disconnect();
      }
    };
    const found = await explore(subject(table, paidTwice, [wavers, wavers]), options);
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toBe('the Redis key lock ran out in real time, in the middle of an order');
  });

  test('is told in the record, and leaves the setting of the server as it was', async () => {
    const admin = new Redis(redisUrl);
    try {
      await admin.config('SET', 'notify-keyspace-events', 'KA');
      const [record] = await replay(subject(table, paidTwice, [short(3)]), 'v2:A', {
        ...options,
        mode: 'guided',
      });
      expect(record?.expired).toEqual(['lock']);
      expect(await admin.config('GET', 'notify-keyspace-events')).toEqual([
        'notify-keyspace-events',
        'AK',
      ]);
    } finally {
      await admin.config('SET', 'notify-keyspace-events', '');
      admin.disconnect();
    }
  });

  test('is none that an event has ended', async () => {
    const events = ['lease-expires'] as const;
    const one = subject(table, paidTwice, [short(60_000)]);
    const [record] = await replay(one, 'v2:A%1', { ...options, events, mode: 'guided' });
    expect(record).toMatchObject({ end: { kind: 'ended' }, expired: [] });
    expect(record?.ends).toEqual([{ kind: 'returned', value: 'lost' }]);
  });
});

describe('a lease in a row', () => {
  const setup = `create table shedlock (name text primary key, until timestamptz, owner text);
    insert into shedlock values ('payout', now() - interval '1 hour', ''); ${table}`;
  const act = (who: string): ActorFunction =>
    onePgClient(async query => {
      const got = await query(`update shedlock set until = now() + interval '1 minute',
        owner = '${who}' where name = 'payout' and until <= now() returning name`);
      if (got.length === 0) return 'skipped';
      const [row] = await query('select count(*)::int as n from payment');
      if (row?.n === 0) await query('insert into payment values (1)');
      await query(`update shedlock set until = now() where owner = '${who}'`);
      return 'ran';
    });
  const plain = subject(setup, paidTwice, [act('a'), act('b')]);
  const leases = [
    {
      name: 'shedlock',
      held: `select name as lease, extract(epoch from until - now()) * 1000 as ms from shedlock
        where until > now()`,
      end: 'update shedlock set until = now() where name = $1',
    },
  ];

  test.each(['lease-expires', 'pause'] as const)('ends by %s where it is said how', async kind => {
    const found = await explore({ ...plain, leases }, { ...options, events: [kind] });
    expect(found.outcome).toBe('unsafe');
    expect(event(found)).toContain('shedlock payout (60 000 ms) expired');
  });

  test('has no occasion otherwise', async () => {
    const events = ['lease-expires', 'pause'] as const;
    const found = await explore(plain, { ...options, events });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    const [record] = await replay(plain, 'v2:A', { ...options, events, mode: 'guided' });
    expect(record?.occasions).toEqual(new Set());
  });

  test('does not end while an actor holds its row', async () => {
    const holds = onePgClient(async query => {
      await query('begin');
      await query("update shedlock set until = now() + interval '1 minute'");
      await query('commit');
      await query('begin');
      await query('select name from shedlock for update');
      await query('select 1');
      await query('commit');
    });
    const events = ['lease-expires'] as const;
    const one = { ...subject(setup, paidTwice, [holds]), leases };
    const found = await explore(one, { ...options, events });
    expect(found.parts.map(({ event, orders }) => [event, orders])).toEqual([
      ['none', 1],
      ['lease-expires', 1], // between the two transactions
    ]);
  });

  test('a mistake in its SQL shows before anything is explored', async () => {
    const wrong = [{ ...leases[0], name: 'shedlock', held: 'select nope', end: '' }];
    const found = await explore({ ...plain, leases: wrong }, options);
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toMatch(/leases 'shedlock': .*nope/);
  });
});
