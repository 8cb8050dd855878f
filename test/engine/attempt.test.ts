import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Failure,
  type Guardian,
  type Strategy,
  type Turn,
  type Tx,
} from '../../src/contract/index.ts';
import { decidesInOneStatement } from '../../src/engine/attempt.ts';
import { migrate } from '../../src/store/migrate.ts';
import exclusionConstraint from '../../strategies/exclusion-constraint.ts';
import { leaseGuardian } from '../../strategies/lib/lease-guardian.ts';
import { redisLeases } from '../../strategies/lib/redis-leases.ts';
import rowLock from '../../strategies/row-lock.ts';
import { freshDatabase } from '../database.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { realTime } from '../fixtures/real-time.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';
import { testServers } from '../servers.ts';

/** What a turn from outside may do wrong must not change what the caller is told about COMMIT. */
const { url } = await freshDatabase();
let open: OpenEngine;

beforeAll(async () => {
  await migrate(url, [{ name: 'counter', schemaSql: counterSchema }]);
  open = openEngine({ databaseUrl: url, ...testServers() });
});
afterAll(() => open.close());

const under = (turn: Guardian['turn']): Strategy => ({
  ...rowLock,
  turns: [
    { heldBy: 'lease', until: 'commit', open: async () => ({ turn, close: async () => {} }) },
  ],
});

async function serve(
  declared: Strategy,
  work: (tx: Tx) => Promise<void> = async () => {},
  on = open,
) {
  const id = await makeCounter(open.store.query);
  const { outcome } = await on.engine.serve({
    scenario: { name: 'counter', registered: counterScenario(new Map([['work', work]])) },
    variant: 'plain',
    strategy: { name: 'tried', declared },
    commandId: randomUUID(),
    input: { params: { id, work: 'work' }, body: {} },
  });
  return { outcome, effects: await effectsOf(open.store.query, id) };
}

describe('a turn that misbehaves', () => {
  test('an error after COMMIT leaves the command accepted, and is not retried', async () => {
    for (const code of ['turn-lost', 'redis-unavailable', 'internal-error'] as const) {
      const told = await serve(
        under(async (attempt, _keys, inner) => {
          await inner({});
          throw attempt.failure(code);
        }),
      );
      expect(told).toMatchObject({ outcome: { kind: 'accepted', attempts: 1 }, effects: 1 });
      expect(open.recording.releases.at(-1)).toBe('unknown');
    }
  });

  test('an error at the release does not hide the error of the work', async () => {
    const told = await serve(
      under(async (attempt, _keys, inner) => {
        try {
          return await inner({});
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: this is the mistake that is tried
          throw attempt.failure('turn-refused');
        }
      }),
      () => Promise.reject(new Error('the business failed')),
    );
    expect(told).toMatchObject({
      outcome: { kind: 'failed', detail: 'internal-error' },
      effects: 0,
    });
  });

  test('work that is run twice happens once', async () => {
    const told = await serve(
      under(async (_attempt, _keys, inner) => {
        await inner({});
        return inner({});
      }),
    );
    expect(told).toMatchObject({ outcome: { kind: 'accepted' }, effects: 1 });
  });

  test('work that is not run is not acknowledged', async () => {
    const skip = under(async <T>() => undefined as T);
    expect(await serve(skip)).toMatchObject({ outcome: { kind: 'failed' }, effects: 0 });
  });
});

describe('an attempt that is made again', () => {
  test('does not count as a repeated effect where nothing had left the database', async () => {
    let tries = 0;
    const before = open.recording.effectsWithoutRecord;
    const { outcome } = await serve(rowLock, async () => {
      tries += 1;
      if (tries === 1) throw new Failure('conflict');
    });
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(open.recording.effectsWithoutRecord - before).toBe(0);
  });
});

describe('a rule that leaves a branch behind', () => {
  test('its late statement does not reach the next command on the connection', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const { effects } = await serve(rowLock, async tx => {
      late = () => tx.query({ text: 'insert into law_effects values (1, gen_random_uuid())' }, []);
      throw new Error('the other branch failed');
    });
    expect(effects).toBe(0);
    await expect(late?.()).rejects.toMatchObject({ message: 'the transaction has ended' });
  });
});

/** A lease whose Redis keys are its own, so that two of them do not stand in each other's way. */
const leaseOn = (prefix: string): Turn => ({
  heldBy: 'lease',
  until: 'commit',
  open: async (backends, tuning) => {
    const guardian = leaseGuardian(redisLeases(backends), backends, tuning);
    return {
      turn: (attempt, keys, inner) =>
        guardian.turn(
          attempt,
          keys.map(key => `${prefix}/${key}`),
          inner,
        ),
      close: () => guardian.close(),
    };
  },
});

describe('two leases around one attempt', realTime, () => {
  test('watchdog-stall: after a stall the next statement is not sent, before any timer ran', async () => {
    const leaseMs = 1_000;
    const stalled = openEngine(
      { databaseUrl: url, ...testServers() },
      { leaseMs, extendLease: false, attemptsMax: 1 },
    );
    let answered = false;
    const stall = async (tx: Tx): Promise<void> => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs); // the event loop stands
      await tx.query({ text: 'select 1' }, []);
      answered = true;
    };
    try {
      const told = await serve({ ...rowLock, turns: [leaseOn('a'), leaseOn('b')] }, stall, stalled);
      expect(told).toMatchObject({ outcome: { kind: 'busy', detail: 'turn-lost' }, effects: 0 });
      expect(answered).toBe(false);
    } finally {
      await stalled.close();
    }
  });
});

test('an exclusion constraint decides in one statement, without BEGIN and COMMIT', () => {
  expect(decidesInOneStatement(exclusionConstraint)).toBe(true);
  expect(decidesInOneStatement({ ...exclusionConstraint, isolation: 'serializable' })).toBe(false);
});
