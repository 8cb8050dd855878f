import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { setTimeout as later, scheduler, setInterval as ticks } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ActorEnd, type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, subject, type Work } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const table = 'create table booking (id serial primary key, who text)';
const options = { servers, phases: false } as const;

// Kept as the module is loaded, as programs keep it.
const kept = promisify(setTimeout);

/** An hour: no test waits for it in real time. */
const hourMs = 3_600_000;

/** Looks, lets an hour pass, acts. */
const lookWaitAct = (wait: () => Promise<unknown>): ActorFunction => {
  const work: Work = async query => {
    const [row] = await query('select count(*)::int as n from booking');
    await wait();
    if (row?.n === 0) await query("insert into booking (who) values ('me')");
  };
  return onePgClient(work);
};

const waits: Readonly<Record<string, () => Promise<unknown>>> = {
  'scheduler.wait': () => scheduler.wait(hourMs),
  'setTimeout of timers/promises': () => later(hourMs),
  'a promisified setTimeout that was kept before': () => kept(hourMs),
  'setInterval of timers/promises': async () => {
    let rounds = 0;
    for await (const _ of ticks(hourMs)) if (++rounds === 2) break;
  },
  'AbortSignal.timeout': () => once(AbortSignal.timeout(hourMs), 'abort'),
  'AbortSignal.any': () =>
    once(AbortSignal.any([AbortSignal.timeout(hourMs), new AbortController().signal]), 'abort'),
  'a timer kept as a number': () =>
    new Promise(resolve => {
      const dropped = setTimeout(() => resolve('never'), 1);
      clearTimeout(Number(dropped));
      setTimeout(resolve, hourMs);
    }),
};

describe('a caller that waits by', () => {
  test.each(Object.entries(waits))('%s is asleep, and goes on', async (_, wait) => {
    const act = lookWaitAct(wait);
    const found = await explore(subject(table, atMostOne, [act, act]), options);
    expect(found).toMatchObject({ outcome: 'unsafe', exhausted: true });
  });
});

/** What the only actor came to. */
async function endOf(act: () => Promise<unknown>): Promise<ActorEnd | undefined> {
  const told: (ActorEnd | undefined)[] = [];
  const ask = onePgClient(async query => {
    await query('select 1');
    return act();
  });
  const check = (ends: readonly (ActorEnd | undefined)[]): string[] => {
    told.push(...ends);
    return [];
  };
  await explore({ ...subject(table, 'select 1 where false', [ask]), check }, options);
  return told[0];
}

describe('a wait that is given up', () => {
  test.each([
    ['scheduler.wait', (signal: AbortSignal) => scheduler.wait(hourMs, { signal })],
    ['setTimeout', (signal: AbortSignal) => later(hourMs, 'late', { signal })],
    [
      'setInterval',
      async (signal: AbortSignal) => {
        for await (const _ of ticks(hourMs, 'tick', { signal })) return 'late';
        return 'over';
      },
    ],
  ])('%s ends with AbortError and the reason as its cause', async (_, wait) => {
    const end = await endOf(async () => {
      const signal = AbortSignal.timeout(100);
      const error = await Promise.resolve(wait(signal)).catch((thrown: unknown) => thrown);
      if (!(error instanceof Error)) return error;
      const { name } = error;
      return [name, Reflect.get(error, 'code'), error.cause === signal.reason];
    });
    expect(end).toEqual({ kind: 'returned', value: ['AbortError', 'ABORT_ERR', true] });
  });

  test('at once, where the signal was aborted before', async () => {
    const signal = AbortSignal.abort();
    const end = await endOf(() => later(hourMs, 1, { signal }).catch((error: Error) => error.name));
    expect(end).toEqual({ kind: 'returned', value: 'AbortError' });
  });
});

test('every clock of an actor tells the same time, and moves only while it sleeps', async () => {
  const end = await endOf(async () => {
    const before = [Date.now(), performance.timeOrigin + performance.now()];
    const first = process.hrtime();
    await later(hourMs);
    const [seconds] = process.hrtime(first);
    const text = Date();
    const now = Date.now();
    return [
      before[0] === before[1],
      performance.timeOrigin + performance.now() === now,
      now - (before[0] ?? 0),
      seconds,
      text === new Date(now).toString(),
      new Date().constructor === Date,
    ];
  });
  expect(end).toMatchObject({ value: [true, true, hourMs, 3_600, true, true] });
});

test('a timer that was kept as a number is cleared by it', async () => {
  const end = await endOf(
    () =>
      new Promise(resolve => {
        const dropped = setTimeout(() => resolve('dropped'), 1);
        clearTimeout(Number(dropped));
        setTimeout(() => resolve('the other'), hourMs);
      }),
  );
  expect(end).toEqual({ kind: 'returned', value: 'the other' });
});

test("a socket's own time limit passes in its actor's time", async () => {
  const silent = createServer(() => undefined);
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  const end = await endOf(async () => {
    const socket = new Socket();
    socket.setTimeout(5);
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setTimeout(hourMs);
    const begun = Date.now();
    await later(hourMs / 2);
    socket.write('still here'); // it begins again
    await once(socket, 'timeout');
    socket.destroy();
    return Date.now() - begun;
  });
  silent.close();
  expect(end).toEqual({ kind: 'returned', value: 1.5 * hourMs });
});
