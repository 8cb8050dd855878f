/** What befalls the service while its keys move from one strategy to another. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Admin, settledMs } from './admin.ts';
import type { Replicas } from './replicas.ts';

export interface Drilled {
  readonly replicas: Replicas;
  readonly admin: Admin;
  readonly signal: AbortSignal;
  /** Adds to what the report says of this case. */
  readonly note: (line: string) => void;
}

export interface DrillCase {
  readonly name: string;
  readonly title: string;
  /** Faults are told to callers; without any no command may be turned away. */
  readonly faulty: boolean;
  run(drilled: Drilled): Promise<void>;
}

/** Long enough for a driver that is gone to be followed. */
const awayMs = 4_000;

export const drillCases: readonly DrillCase[] = [
  {
    name: 'calm',
    title: 'no rollout, for comparison',
    faulty: false,
    run: async ({ signal }) => delay(500, undefined, { signal }),
  },
  {
    name: 'up-and-down',
    title: 'a whole rollout, and a whole one back',
    faulty: false,
    async run({ admin }) {
      await admin.start(50);
      await promoted(admin);
      await admin.start(10);
      await promoted(admin);
    },
  },
  {
    name: 'frozen',
    title: 'a process is stopped (SIGSTOP) over the change and goes on after it',
    faulty: true,
    async run({ admin, replicas, signal, note }) {
      await admin.start(1);
      const mover = await replicas.mover();
      const frozen = replicas.serving().find(pid => pid !== mover);
      if (frozen === undefined) throw new Error('there is no process to stop');
      process.kill(frozen, 'SIGSTOP');
      try {
        await admin.act('promote');
        await delay(awayMs, undefined, { signal });
        const { blocked } = await admin.show();
        note(blocked ? 'it was inside some groups, which waited for it' : 'it was inside no group');
      } finally {
        process.kill(frozen, 'SIGCONT');
      }
      await admin.until('healthy', settledMs);
    },
  },
  {
    name: 'mover-killed',
    title: 'the process that moves the groups is killed (SIGKILL) in the middle',
    faulty: true,
    async run({ admin, replicas, note, signal }) {
      const to = await admin.start(1);
      await admin.act('promote');
      const moved = await untilMoved(replicas, to, 5, signal);
      const mover = await replicas.mover();
      if (mover === undefined) throw new Error('nobody moves the groups');
      process.kill(mover, 'SIGKILL');
      note(`killed when ${moved} of 100 groups had moved`);
      const tookMs = await admin.until('healthy', settledMs);
      note(`another went on; done after ${(tookMs / 1_000).toFixed(1)} s`);
    },
  },
  {
    name: 'partitioned',
    title: 'one replica loses Postgres, silently, and finds it again after the change',
    faulty: true,
    async run({ admin, replicas, note, signal }) {
      await admin.start(1);
      replicas.tap.goSilent();
      try {
        await admin.act('promote');
        await delay(awayMs, undefined, { signal });
        const { blocked } = await admin.show();
        note(blocked ? 'some groups waited for its sessions' : 'no group waited for it');
      } finally {
        replicas.tap.speakAgain();
      }
      await admin.until('healthy', settledMs);
    },
  },
  {
    name: 'postgres-restart',
    title: 'Postgres ends at once and starts again in the middle',
    faulty: true,
    async run({ admin, replicas, note, signal }) {
      const to = await admin.start(1);
      await admin.act('promote');
      const moved = await untilMoved(replicas, to, 5, signal);
      await replicas.postgres.kill();
      await replicas.postgres.restart();
      note(`it ended when ${moved} of 100 groups had moved`);
      await admin.until('healthy', settledMs);
    },
  },
  {
    name: 'redis-killed',
    title: 'Redis is killed at 50 %, and the rollout is aborted: the way back does not need it',
    faulty: true,
    async run({ admin, replicas, note, signal }) {
      await admin.start(50);
      await replicas.redis.kill();
      await delay(500, undefined, { signal });
      const fromMs = performance.now();
      await admin.act('abort');
      await admin.until('aborted', settledMs);
      note(`every group was back ${Math.round(performance.now() - fromMs)} ms after the abort`);
      await replicas.redis.restart();
    },
  },
];

async function promoted(admin: Admin): Promise<void> {
  await admin.act('promote');
  await admin.until('healthy', settledMs);
}

/** Waits until more than `count` groups are under this strategy. Returns how many. */
async function untilMoved(
  { databaseUrl }: Replicas,
  strategy: string,
  count: number,
  signal: AbortSignal,
): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the query reports it
  await client.connect();
  try {
    for (let tries = 0; tries < 10_000; tries += 1) {
      signal.throwIfAborted();
      const { rows } = await client.query<{ moved: number }>(
        'select count(*)::integer as moved from lockstep_assignments where strategy = $1',
        [strategy],
      );
      const moved = rows[0]?.moved ?? 0;
      if (moved > count) return moved;
    }
    throw new Error('no group moves');
  } finally {
    await client.end().catch(() => {});
  }
}
