import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { type Attempt, Failure, type Guardian } from '../../src/contract/index.ts';
import { openBackends } from '../../src/store/backends.ts';
import { sessionLockGuardian } from '../../strategies/lib/session-lock.ts';
import { freshDatabase } from '../database.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';

const { url } = await freshDatabase();
const connectTimeoutMs = 400;
const backends = openBackends({
  databaseUrl: url,
  redisUrl: undefined,
  redisNodeUrls: [],
  lockConnectionsMax: 1,
  connectTimeoutMs,
  waitMs: 60_000,
  leaseMs: 10_000,
});
const guardian: Guardian = await sessionLockGuardian(backends);
afterAll(() => backends.close());

const attemptOf = (waitMs: number, left?: AbortSignal): Attempt => ({
  commandId: randomUUID(),
  number: 1,
  deadlineMs: performance.now() + waitMs,
  report: () => {},
  failure: (code, cause) => new Failure(code, { cause }),
  ...(left && { left }),
});

/** Runs `work` while a turn has the only connection. */
async function whileTaken(work: () => Promise<void>): Promise<void> {
  const gate = new Gate();
  const holder = guardian.turn(attemptOf(60_000), ['held'], () => gate.pass());
  await gate.arrived;
  try {
    await work();
  } finally {
    gate.open();
    await holder;
  }
}

describe('a session lock', () => {
  test('waits for a connection as long as its command may, not as long as connecting may', async () => {
    let waiting: Promise<string> | undefined;
    await whileTaken(async () => {
      waiting = guardian.turn(attemptOf(60_000), ['other'], async () => 'granted');
      waiting.catch(() => {});
      await delay(2 * connectTimeoutMs);
      expect(backends.locksWaiting()).toBe(1);
    });
    expect(await waiting).toBe('granted');
  });

  test('gives a wait for a connection up at its deadline, and when the caller leaves', async () => {
    await whileTaken(async () => {
      const late = guardian.turn(attemptOf(50), ['other'], async () => {});
      await expect(late).rejects.toMatchObject({ code: 'pool-exhausted' });
      const left = new AbortController();
      const gone = guardian.turn(attemptOf(60_000, left.signal), ['other'], async () => {});
      left.abort();
      await expect(gone).rejects.toMatchObject({ code: 'caller-left' });
      expect(backends.locksWaiting()).toBe(0);
    });
  });

  test('gives a wait at Postgres up when the caller leaves, and holds nothing then', async () => {
    const holder = await Session.open(url);
    try {
      await holder.run("select pg_advisory_lock(hashtextextended('theirs', 0))");
      const left = new AbortController();
      const keys = ['ours', 'theirs'];
      const gone = guardian.turn(attemptOf(60_000, left.signal), keys, async () => {});
      gone.catch(() => {});
      await until('it waits', async () => (await holder.value(waitersSql)) === 1);
      left.abort();
      await expect(gone).rejects.toMatchObject({ code: 'caller-left' });
      const ours = "select pg_try_advisory_lock(hashtextextended('ours', 0))";
      await until('the first key is free', async () => (await holder.value(ours)) === true);
    } finally {
      await holder.close();
    }
  });

  test('ends with its session when the holder stands still for longer than any work may take', async () => {
    const told: unknown[] = [];
    const turn = guardian.turn(attemptOf(200), ['still'], async held => {
      await until('the session has ended', () => held.lost?.aborted === true, 20_000);
      told.push(held.lost?.reason.code);
    });
    await turn;
    expect(told).toEqual(['57P05']); // idle_session_timeout
  });

  test('leaves its connection without a limit on idling', async () => {
    await guardian.turn(attemptOf(5_000), ['any'], async () => {});
    const { rows } = await backends.locks.query('show idle_session_timeout');
    expect(rows).toEqual([{ idle_session_timeout: '0' }]);
    expect(backends.locks.totalCount).toBe(1);
  });
});
