import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../bench/compare/client.ts';
import { contested, single } from '../../bench/compare/phase.ts';
import { randomOf } from '../../bench/lab/random.ts';
import type { Load, Round } from '../../src/contract/index.ts';

/** Three "processes": each remembers who came, and a script says what to answer. */
type Told = 'accepted' | 'refused' | 'busy';
type Answering = (path: string, arrived: number) => Told | 'wait';

interface Waiting {
  readonly path: string;
  readonly response: ServerResponse;
}

const processes = 3;
const servers: Server[] = [];
const urls: string[] = [];
const client = new Client(processes);
let answering: Answering = () => 'accepted';
let arrived: { readonly path: string; readonly process: number }[] = [];
let waiting: Waiting[] = [];
let underWayMost = 0;
/** What the process says of when it worked on the command. */
let working: (path: string) => string | undefined = () => undefined;
/** The same of its decision. */
let deciding: (path: string) => string | undefined = () => undefined;

beforeAll(async () => {
  for (let process = 0; process < processes; process += 1) {
    const server = createServer((request, response) => arrive(request, response, process));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    urls.push(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
    servers.push(server);
  }
});
afterAll(async () => {
  client.close();
  for (const server of servers) await new Promise(resolve => server.close(resolve));
});

function arrive(request: IncomingMessage, response: ServerResponse, process: number): void {
  request.resume();
  arrived.push({ path: request.url ?? '', process });
  waiting.push({ path: request.url ?? '', response });
  underWayMost = Math.max(underWayMost, waiting.length);
  const asked = waiting.map(one => ({ ...one, outcome: answering(one.path, arrived.length) }));
  waiting = asked.filter(one => one.outcome === 'wait');
  for (const { path, response, outcome } of asked)
    if (outcome !== 'wait') tell(response, outcome, path);
}

function tell(response: ServerResponse, outcome: Told, path: string): void {
  const commandId = `command of ${path}`;
  const [status, body] =
    outcome === 'accepted'
      ? [201, { commandId, attempts: 1 }]
      : outcome === 'refused'
        ? [409, { type: '/problems/refused', reason: 'full', commandId, attempts: 1 }]
        : [503, { type: '/problems/turn-refused', attempts: 1 }];
  const [worked, decided] = [working(path), deciding(path)];
  const headers = {
    'lock-strategy': 'mine',
    ...(worked !== undefined && { 'command-worked-us': worked }),
    ...(decided !== undefined && { 'command-decided-us': decided }),
  };
  response.writeHead(Number(status), headers).end(JSON.stringify(body));
}

const call = (actor: string) => ({ path: `/${actor}`, body: {}, actor });
const roundOf = (key: string, capacity: number, ...actors: readonly string[]): Round => ({
  key,
  capacity,
  calls: actors.map(call),
});

function options(rounds: readonly Round[], limitMs = 60_000) {
  arrived = [];
  waiting = [];
  underWayMost = 0;
  const load: Load = async () => rounds;
  return {
    client,
    to: {
      processUrls: urls,
      strategy: 'mine',
      variant: 'plain',
      timeoutMs: 5_000,
      signal: new AbortController().signal,
    },
    load,
    exhaustedReasons: ['full'],
    query: async () => [],
    random: randomOf(1, 'test'),
    limitMs,
    patienceMs: limitMs * 8,
  };
}
const asked = { rounds: 1, rivals: 1, doubleTapShare: 0, testedAtLeast: 1 };

describe('a contested key', () => {
  test('gets all its callers at once, spread over all processes', async () => {
    // nobody is answered before the last has come: one after the other would never end
    answering = (path, count) => (count < 6 ? 'wait' : path === '/a' ? 'accepted' : 'refused');
    const rounds = [roundOf('1', 1, 'a', 'b', 'c', 'd', 'e', 'a')];
    const { rounds: seen } = await contested({ ...options(rounds), ...asked });
    expect(arrived.map(one => one.process).toSorted()).toEqual([0, 0, 1, 1, 2, 2]);
    const taps = seen[0]?.calls.filter(one => one.actor === 'a').map(one => one.process);
    expect(new Set(taps).size).toBe(2);
  });

  test.each([
    ['two processes worked at the same time', { a: '100-300', b: '200-400' }, true],
    ['one process began when the other had ended', { a: '100-200', b: '200-400' }, false],
    ['one was done long before', { a: '900-950', b: '100-200' }, false],
    ['a process does not say', { a: '100-300' }, false],
    ['a process says what is no time', { a: '100-300', b: 'now' }, false],
  ] as const)('overlaps only where the processes say so: %s', async (_, said, expected) => {
    // all calls are under way together: that alone says nothing about who met whom
    answering = (__, count) => (count < 2 ? 'wait' : 'accepted');
    working = path => new Map(Object.entries(said)).get(path.slice(1));
    const { rounds: seen } = await contested({ ...options([roundOf('1', 1, 'a', 'b')]), ...asked });
    expect(seen[0]?.overlapped).toBe(expected);
    expect(seen[0]?.calls.map(one => one.met)).toEqual([expected, expected]);
  });

  test('commands meet in one process too, and decide together only if both were deciding', async () => {
    answering = (_, count) => (count < 4 ? 'wait' : 'accepted');
    working = () => '100-300';
    deciding = path => ({ '/a': '100-200', '/d': '199-300' })[path];
    const rounds = [roundOf('1', 1, 'a', 'b', 'c', 'd')]; // a and d in one of three processes
    const { rounds: seen } = await contested({ ...options(rounds), ...asked });
    expect(seen[0]?.calls.map(one => one.met)).toEqual([true, true, true, true]);
    expect(seen[0]?.decidedTogether).toBe(true);
    deciding = path => ({ '/a': '100-200', '/d': '200-300' })[path];
    const { rounds: next } = await contested({ ...options(rounds), ...asked });
    expect(next[0]?.decidedTogether).toBe(false);
  });

  test('does not overlap with itself: two taps of one actor are one caller', async () => {
    answering = (_, count) => (count < 2 ? 'wait' : 'accepted');
    working = () => '100-300';
    const { rounds: seen } = await contested({ ...options([roundOf('1', 1, 'a', 'a')]), ...asked });
    expect(seen[0]?.overlapped).toBe(false);
    expect(seen[0]?.calls.map(one => one.met)).toEqual([false, false]);
  });

  test('is decided by the answer that fills its last place', async () => {
    answering = (path, count) => (count < 3 ? 'wait' : path === '/c' ? 'refused' : 'accepted');
    const { rounds: seen } = await contested({
      ...options([roundOf('1', 2, 'a', 'b', 'c')]),
      ...asked,
    });
    const accepted = seen[0]?.calls.filter(one => one.outcome === 'accepted').map(one => one.ms);
    expect(seen[0]?.decidedMs).toBeGreaterThanOrEqual(Math.min(...(accepted ?? [])));
    expect(seen[0]?.answeredMs).toBeGreaterThanOrEqual(seen[0]?.decidedMs ?? Number.NaN);
  });

  test('is undecided while places are left', async () => {
    answering = path => (path === '/a' ? 'accepted' : 'busy');
    const { rounds: seen } = await contested({ ...options([roundOf('1', 2, 'a', 'b')]), ...asked });
    expect(seen[0]?.decidedMs).toBeNull();
  });

  test('that only one caller wants does not overlap', async () => {
    answering = () => 'accepted';
    working = () => '100-300';
    const { rounds: seen } = await contested({ ...options([roundOf('1', 1, 'a')]), ...asked });
    expect(seen[0]?.overlapped).toBe(false);
  });

  test('is followed by others, past the limit, until rivals met and one got through on enough', async () => {
    let keys = 0;
    answering = path => (path === '/a' && ++keys % 2 === 0 ? 'accepted' : 'refused');
    working = () => '100-300';
    const rounds = Array.from({ length: 40 }, (_, index) => roundOf(String(index), 1, 'a', 'b'));
    const within = async (testedAtLeast: number) => {
      keys = 0;
      let ms = 0;
      const nowMs = (): number => (ms += 10); // goes on whenever it is looked at
      const given = { ...options(rounds, 60), nowMs, ...asked, testedAtLeast };
      return (await contested(given)).rounds.length;
    };
    expect(await within(1)).toBe(6);
    expect(await within(7)).toBe(14);
    expect(await within(40)).toBe(40); // and no longer than its patience
  });

  test('comes after the one before has been answered', async () => {
    answering = (_, count) => (count % 2 === 0 ? 'accepted' : 'wait');
    const rounds = [roundOf('1', 2, 'a', 'b'), roundOf('2', 2, 'c', 'd')];
    await contested({ ...options(rounds), ...asked });
    expect(
      arrived
        .map(one => one.path)
        .slice(0, 2)
        .toSorted(),
    ).toEqual(['/a', '/b']);
    expect(underWayMost).toBe(2);
  });
});

describe('what callers were told', () => {
  const claimsAfter = async (told: Readonly<Record<string, 'accepted' | 'refused' | 'busy'>>) => {
    answering = path => told[path.slice(1)] ?? 'busy';
    const actors = Object.keys(told);
    return (await contested({ ...options([roundOf('7', 1, ...actors)]), ...asked })).claims;
  };

  test('is kept for the audit: who was accepted, where somebody went empty', async () => {
    const claims = await claimsAfter({ a: 'accepted', b: 'refused', c: 'busy' });
    expect(claims).toEqual({
      keys: ['7'],
      acknowledged: [{ key: '7', commandId: 'command of /a' }],
      denied: ['b'].map(actor => ({ key: '7', commandId: `command of /${actor}` })),
      refusedKeys: ['7'],
    });
  });

  test('a refusal for a reason that claims nothing is not held against the audit', async () => {
    answering = () => 'refused';
    const claimsWith = async (exhaustedReasons: readonly string[]) =>
      contested({ ...options([roundOf('7', 1, 'a')]), ...asked, exhaustedReasons });
    expect((await claimsWith(['full'])).claims.refusedKeys).toEqual(['7']);
    expect((await claimsWith(['another'])).claims.refusedKeys).toEqual([]);
  });

  test('a refusal for another reason does not say that nothing is left', async () => {
    answering = path => (path === '/a' ? 'accepted' : 'refused');
    const rounds = [roundOf('7', 1, 'a', 'b')];
    const other = { ...options(rounds), ...asked, exhaustedReasons: ['used up'] };
    expect((await contested(other)).claims.refusedKeys).toEqual([]);
  });

  test('a refusal of which the call says more is kept under what it says', async () => {
    answering = path => (path === '/a' ? 'accepted' : 'refused');
    const refusal = { reason: 'full', id: '7/b' };
    const named = [{ ...roundOf('7', 1, 'a'), calls: [call('a'), { ...call('b'), refusal }] }];
    const { claims } = await contested({ ...options(named), exhaustedReasons: [], ...asked });
    expect(claims.refusedKeys).toEqual(['7/b']);
  });

  test('busy alone is no refusal', async () => {
    expect((await claimsAfter({ a: 'busy', b: 'busy' })).refusedKeys).toEqual([]);
  });

  test('a second tap that is refused after the first was accepted is no refusal', async () => {
    const told = new Set<string>();
    answering = (path, count) => {
      if (count < 2) return 'wait';
      if (told.has(path)) return 'refused';
      told.add(path);
      return 'accepted';
    };
    const { claims, rounds } = await contested({
      ...options([roundOf('7', 1, 'a', 'a')]),
      ...asked,
    });
    expect(rounds[0]?.calls.map(one => one.outcome).toSorted()).toEqual(['accepted', 'refused']);
    expect(claims.refusedKeys).toEqual([]);
  });
});

describe('keys with one caller each', () => {
  const keys = Array.from({ length: 40 }, (_, index) => roundOf(String(index), 1, `k${index}`));

  test('each come once, so many at a time and no more', async () => {
    answering = (_, count) => (count < 6 ? 'wait' : 'accepted');
    const seen = await single({ ...options(keys), keys: 40, inFlight: 6 });
    expect(new Set(arrived.map(one => one.path)).size).toBe(40);
    expect(arrived).toHaveLength(40);
    expect(underWayMost).toBe(6);
    expect(seen.cutShort).toBe(false);
  });

  test('end with the time, but not before there are a few', async () => {
    answering = () => 'accepted';
    // a clock that goes on by 10 ms whenever it is looked at
    const clock = (): (() => number) => {
      let ms = 0;
      return () => {
        ms += 10;
        return ms;
      };
    };
    const within = async (limitMs: number) => {
      const given = { ...options(keys, limitMs), nowMs: clock(), keys: 40, inFlight: 1 };
      const { rounds, cutShort } = await single(given);
      return { rounds: rounds.length, cutShort };
    };
    expect(await within(1_000)).toEqual({ rounds: 40, cutShort: false });
    expect(await within(200)).toEqual({ rounds: 20, cutShort: true });
    expect(await within(20)).toEqual({ rounds: 8, cutShort: true });
    expect(await within(5)).toEqual({ rounds: 4, cutShort: true });
  });
});
