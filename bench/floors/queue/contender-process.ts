/** A child process of `dev:queue`: several contenders on one key. Exits with its parent. */
import Redlock from 'redlock';
import { type Attempt, Failure, type Tuning } from '../../../src/contract/index.ts';
import { openBackends } from '../../../src/store/backends.ts';
import redisLeaseQueued from '../../../strategies/redis-lease-queued.ts';
import { type Contestant, type Job, job, type Told } from './contest.ts';

const tuning: Tuning = { waitMs: 10_000, leaseMs: 5_000, extendLease: true, attemptsMax: 1 };

/** Acquires the key, runs `work` once, releases the key. Rejects if the key cannot be acquired. */
type Turn = (work: () => Promise<void>) => Promise<void>;

const backends = openBackends({
  databaseUrl: 'postgres://127.0.0.1:1/none', // no turn here uses Postgres
  redisUrl: process.argv[2],
  redisNodeUrls: [],
  lockConnectionsMax: 1,
  waitMs: tuning.waitMs,
  leaseMs: tuning.leaseMs,
});
const { redis, now, sleep } = backends;

const opened = redisLeaseQueued.turns.map(turn => turn.open(backends, tuning));
const [guardian] = await Promise.all(opened);
const redlock = new Redlock([redis]); // its default settings: 10 retries, 200 ms apart

function turnOf(contestant: Contestant, key: string): Turn {
  if (contestant === 'floor') return work => work();
  if (contestant === 'redlock')
    return async work => {
      const lock = await redlock.acquire([key], tuning.leaseMs);
      try {
        await work();
      } finally {
        await lock.release();
      }
    };
  return async work => {
    const attempt: Attempt = {
      commandId: 'bench',
      number: 1,
      deadlineMs: now() + tuning.waitMs,
      report: () => {},
      failure: (code, cause) => new Failure(code, { cause }),
    };
    await guardian?.turn(attempt, [key], work);
  };
}

/** The minimum cost of a message through Redis: each process works when told, then tells the next one. */
async function passOn({ key, seconds, workMs, index, processes }: Job): Promise<Told> {
  const listener = redis.duplicate({ enableOfflineQueue: true });
  const sections: [number, number][] = [];
  const lastMs = now() + seconds * 1_000;
  const next = `${key}/${(index + 1) % processes}`;
  const take = async (): Promise<void> => {
    const fromUs = nowUs();
    await sleep(workMs);
    sections.push([fromUs, nowUs()]);
    // the others may not listen yet
    while (now() < lastMs && (await redis.publish(next, 'go')) === 0) await sleep(1);
  };
  listener.on('message', () => void take());
  await listener.subscribe(`${key}/${index}`);
  if (index === 0) await take();
  await sleep(Math.max(0, lastMs - now()) + 2 * workMs);
  listener.disconnect();
  return { waitsMs: [], turns: [sections.length], sections, givenUp: 0 };
}

/** Runs until the time is up; a turn in progress is finished. */
async function contend(asked: Job): Promise<Told> {
  if (asked.contestant === 'baton') return passOn(asked);
  const { contestant, key, contenders, seconds, workMs, pauseMs } = asked;
  const turn = turnOf(contestant, key);
  const lastMs = now() + seconds * 1_000;
  const result: { waitsMs: number[]; sections: Told['sections'] } = { waitsMs: [], sections: [] };
  let givenUp = 0;
  const one = async (): Promise<number> => {
    let turns = 0;
    while (now() < lastMs) {
      const askedMs = now();
      const ended = turn(async () => {
        result.waitsMs.push(now() - askedMs);
        const fromUs = nowUs();
        await sleep(workMs);
        result.sections.push([fromUs, nowUs()]);
        turns += 1;
      });
      await ended.catch(() => {
        givenUp += 1;
      });
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return turns;
  };
  const turns = await Promise.all(Array.from({ length: contenders }, one));
  return { ...result, turns, givenUp };
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

process.on('message', (message: unknown) => {
  void contend(job.parse(message)).then(result => process.send?.(result));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
