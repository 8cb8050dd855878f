import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Registered, sql } from '../../src/contract/index.ts';
import { accept, arrival } from '../../src/http/arrival.ts';
import type { Transaction, TransactionPlan } from '../../src/store/store.ts';
import rowLock from '../../strategies/row-lock.ts';
import { freshDatabase } from '../database.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { endsWithin, realTime } from '../fixtures/real-time.ts';
import { counterScenario } from '../laws/counter.ts';
import { testServers } from '../servers.ts';

const { url } = await freshDatabase();
const waitMs = 2_000;
const connections = 10;
const look = sql`select 1 as one`;

/** A command that has to look twice before it knows what it is about. */
function lookingTwice(): Registered {
  const counter = counterScenario(new Map());
  return {
    ...counter,
    async prepare(variant, input, query) {
      await query(look, []);
      await query(look, []);
      return counter.prepare(variant, input, query);
    },
  };
}

const planOf = (): TransactionPlan => ({
  isolation: 'read committed',
  guard: [],
  first: [],
  keys: [],
  autocommit: false,
  isLost: () => false,
  deadlineMs: performance.now() + 60_000,
});

const commandOf = () => ({
  scenario: { name: 'counter', registered: lookingTwice() },
  variant: 'plain',
  strategy: { name: 'tried', declared: rowLock },
  commandId: randomUUID(),
  input: { params: { id: '1' }, body: {} },
});

/** Runs `work` while nobody else gets a connection; it may take and give them. */
async function whileTaken(
  work: (open: OpenEngine, taken: Transaction[]) => Promise<void>,
): Promise<void> {
  const open = openEngine({ databaseUrl: url, ...testServers() }, { waitMs });
  try {
    const all = Array.from({ length: connections }, () => open.store.begin(planOf()));
    const taken = await Promise.all(all);
    await work(open, taken);
    for (const transaction of taken) await transaction.rollback();
  } finally {
    await open.close();
  }
}

const exhausted = { kind: 'busy', detail: 'pool-exhausted' };

describe('the deadline of a command', () => {
  test('is one, however often it waits for a connection', realTime, async () => {
    await whileTaken(async (open, taken) => {
      const served = open.engine.serve(commandOf());
      const inTime = endsWithin(waitMs + 500, () => served);
      const next = open.store.begin(planOf()); // behind the first look, before the second
      await delay(0.6 * waitMs);
      await taken.pop()?.rollback();
      expect((await served).outcome).toMatchObject(exhausted);
      expect(await inTime).toBe(true);
      taken.push(await next);
    });
  });

  test('counts from its arrival, not from when it is served', realTime, async () => {
    await whileTaken(async open => {
      const arrivedMs = performance.now() - waitMs + 50;
      const served = open.engine.serve({ ...commandOf(), arrivedMs });
      expect(await endsWithin(waitMs / 2, () => served)).toBe(true);
      expect((await served).outcome).toMatchObject(exhausted);
    });
  });

  test('counts what its request waited in its socket while others were handled', async () => {
    const busy = (ms: number): void => {
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs);
    };
    const [early, later] = [new Socket(), new Socket()];
    const beforeMs = performance.now();
    accept(early);
    accept(later);
    busy(20);
    expect(arrival(early) - beforeMs).toBeLessThan(10);
    await new Promise(setImmediate);
    busy(20);
    expect(arrival(later) - beforeMs).toBeLessThan(10); // the loop had no rest
    expect(arrival(later) - beforeMs).toBeGreaterThan(30); // its next request came later
    accept(early);
    const acceptedMs = performance.now();
    await delay(30);
    expect(arrival(early) - acceptedMs).toBeGreaterThan(20); // it did not wait: nobody was busy
  });
});
