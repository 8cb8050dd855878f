import pg from 'pg';
import type { ServerUrls } from '../../src/explore/explore.ts';
import type { Lane } from '../../src/explore/gate/lane.ts';
import { Routines } from '../../src/explore/gate/routines.ts';
import { Arena } from '../../src/explore/run/arena.ts';
import { Baseline } from '../../src/explore/run/baseline.ts';
import { createDatabase } from '../../src/explore/run/database.ts';
import { PostgresControl } from '../../src/explore/run/postgres-control.ts';
import { RedisControl } from '../../src/explore/run/redis-control.ts';
import { RedisWorld } from '../../src/explore/run/redis-world.ts';
import { type ExecutionRecord, Stage } from '../../src/explore/run/stage.ts';
import type { TraceLine } from '../../src/explore/run/trace.ts';
import { Search } from '../../src/explore/search/search.ts';
import { settingsOf } from '../../src/explore/settings.ts';
import type { SpeedScenario } from './explore-speed-scenarios.ts';

/** How fast one scenario is explored, and upper limits for comparison, in one repetition. */
export interface Speed {
  readonly perSecond: number;
  /** The same steps on open connections, one actor after the other, with the same reset. */
  readonly floorPerSecond: number;
  /** The callers directly against the servers, one after the other, with the same reset. */
  readonly callersPerSecond: number;
  /** The same through the gates, with every step released at once: the cost of running real clients. */
  readonly gatedPerSecond: number;
  readonly stepsEach: number;
  readonly waitsEach: number;
}

/** The steps of one execution, in the order in which they were granted. */
type Steps = readonly TraceLine[];

const executionsMax = 100_000;
const callerMaxMs = 10_000;
const bound = { events: 0, preemptions: undefined, preemptionsWithEvent: undefined };

/** Explores for `seconds`, then measures each limit for as long. */
export async function measureSpeed(
  scenario: SpeedScenario,
  servers: ServerUrls,
  seconds: number,
): Promise<Speed> {
  const explored = await exploreFor(scenario, servers, seconds);
  const floorPerSecond = await floorOf(scenario, servers, explored.executions, seconds);
  const callersPerSecond = await callersOf(scenario, servers, seconds);
  const gatedPerSecond = await gatedOf(scenario, servers, seconds);
  const count = explored.executions.length;
  const lines = explored.executions.flat();
  // lines are numbered within their execution: one answered after a later line has waited
  const waits = explored.executions.flatMap(steps =>
    steps.filter((line, at) => line.answeredAfter > at + 1),
  );
  return {
    perSecond: explored.perSecond,
    floorPerSecond,
    callersPerSecond,
    gatedPerSecond,
    stepsEach: lines.length / count,
    waitsEach: waits.length / count,
  };
}

/** Explores every order repeatedly until the time is up; opening and closing are not counted. */
async function exploreFor(
  { subject }: SpeedScenario,
  servers: ServerUrls,
  seconds: number,
): Promise<{ readonly perSecond: number; readonly executions: readonly Steps[] }> {
  const settings = settingsOf({ servers, phases: false, preemptions: 'unbounded', reduce: false });
  const stage = await Stage.open(subject, servers, settings);
  const executions: Steps[] = [];
  const beganMs = performance.now();
  const outOfTime = (): boolean => performance.now() - beganMs > seconds * 1000;
  try {
    while (!outOfTime() && executions.length < executionsMax) {
      const left = executionsMax - executions.length;
      const plan = {
        bound,
        executionsMax: left,
        outOfTime,
        reduce: false,
        simple: undefined,
        symmetry: undefined,
      };
      let record: ExecutionRecord | undefined;
      await new Search(plan).run(
        async scheduler => {
          record = await stage.execute(scheduler);
        },
        () => {
          if (record?.end.kind !== 'ended') throw new Error('an execution did not end');
          executions.push(record.lines);
          return 'go on';
        },
      );
    }
    const tookMs = performance.now() - beganMs;
    return { perSecond: (executions.length / tookMs) * 1000, executions };
  } finally {
    await stage.close();
  }
}

/** The floor: only the reset and the steps, without gates, search, audit and connecting. */
async function floorOf(
  { subject }: SpeedScenario,
  servers: ServerUrls,
  executions: readonly Steps[],
  seconds: number,
): Promise<number> {
  const clients: pg.Client[] = [];
  return onFreshDatabase(subject, servers, seconds, {
    open: async ({ url }) => {
      for (const _ of Object.keys(subject.actors))
        clients.push(new pg.Client(url).on('error', () => undefined));
      for (const client of clients) await client.connect();
    },
    once: async (done, redis) => {
      const steps = executions[done % executions.length] ?? [];
      for (const [actor, client] of clients.entries())
        await sendAll(
          steps.filter(line => line.actor === actor),
          client,
          redis,
        );
    },
    close: async () => {
      for (const client of clients) await client.end();
    },
  });
}

/** Adds connecting to the floor: every caller opens its own connections, and the server forks for each. */
async function callersOf(
  { subject }: SpeedScenario,
  servers: ServerUrls,
  seconds: number,
): Promise<number> {
  const redisUrls = servers.redisUrls ?? [];
  let pgUrl = '';
  return onFreshDatabase(subject, servers, seconds, {
    open: async ({ url }) => {
      pgUrl = url;
    },
    once: async () => {
      const urls = { pgUrl, redisUrl: redisUrls[0] ?? '', redisUrls, httpUrls: [] };
      for (const actor of Object.values(subject.actors))
        if (typeof actor === 'function') await actor(urls);
    },
    close: async () => {},
  });
}

/** The upper limit for running unmodified clients through gates: no search, no waiting for quiescence, no audit. */
async function gatedOf(
  { subject }: SpeedScenario,
  servers: ServerUrls,
  seconds: number,
): Promise<number> {
  const names = Object.keys(subject.actors);
  let arena: Arena | undefined;
  return onFreshDatabase(subject, servers, seconds, {
    open: async ({ url }) => {
      arena = await Arena.open(
        { pgUrl: url, redisUrls: servers.redisUrls ?? [], httpUrls: [] },
        names,
        new Routines(),
      );
    },
    once: async () => {
      if (!arena) return;
      for (const [index, actor] of Object.values(subject.actors).entries()) {
        const urls = arena.ports[index]?.urls;
        if (typeof actor === 'function' && urls) await letThrough(arena, () => actor(urls));
      }
    },
    close: async () => arena?.close(),
  });
}

/** Grants and delivers everything until the caller has ended and its connections are closed. */
async function letThrough(arena: Arena, caller: () => unknown): Promise<void> {
  const lanes: Lane[] = [];
  arena.opened = lane => lanes.push(lane);
  for (const { gates } of arena.ports) for (const gate of gates) gate.admits = true;
  let ended = false;
  const end = Promise.resolve(caller()).finally(() => {
    ended = true;
    arena.activity.moved();
  });
  const lastMs = performance.now() + callerMaxMs;
  while (!ended || lanes.some(lane => !lane.closed)) {
    if (performance.now() > lastMs)
      throw new Error(`a caller did not end within ${callerMaxMs} ms`);
    for (const lane of lanes) {
      if (lane.answered) lane.deliver();
      else if (lane.held) lane.grant();
      else if (ended && !lane.closed && !lane.busy) lane.cut();
    }
    if (!ended || lanes.some(lane => !lane.closed)) await arena.activity.next(5);
  }
  await end;
}

/** Alternates resets and `work`; resolves to the rate per second. */
async function onFreshDatabase(
  subject: SpeedScenario['subject'],
  servers: ServerUrls,
  seconds: number,
  work: {
    open(database: { readonly url: string }): Promise<void>;
    once(done: number, redis: readonly RedisControl[]): Promise<void>;
    close(): Promise<void>;
  },
): Promise<number> {
  const database = await createDatabase(servers.pgUrl);
  const control = new PostgresControl(database.url);
  await control.open();
  const redisUrls = servers.redisUrls ?? [];
  const keys = await RedisWorld.open(redisUrls);
  const redis = await Promise.all(redisUrls.map(url => RedisControl.open(url)));
  try {
    await control.query(subject.setup);
    const baseline = await Baseline.capture(control);
    await keys.capture();
    await work.open(database);
    const beganMs = performance.now();
    let done = 0;
    for (; performance.now() - beganMs < seconds * 1000; done++) {
      await Promise.all([baseline.restore(), keys.restore()]);
      await work.once(done, redis);
    }
    return (done / (performance.now() - beganMs)) * 1000;
  } finally {
    await work.close();
    for (const one of redis) one.close();
    await keys.close(); // the next measurement starts with an empty Redis
    await control.close();
    await database.drop();
  }
}

async function sendAll(
  steps: readonly TraceLine[],
  client: pg.Client,
  redis: readonly RedisControl[],
): Promise<void> {
  for (const { store, label } of steps) {
    if (store === 'postgres') await client.query(label);
    else await redis[0]?.ask(...label.split(' '));
  }
}
