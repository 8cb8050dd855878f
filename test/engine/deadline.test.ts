import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Registered, sql } from '../../src/contract/index.ts';
import type { TransactionPlan } from '../../src/store/store.ts';
import rowLock from '../../strategies/row-lock.ts';
import { freshDatabase } from '../database.ts';
import { openEngine } from '../fixtures/engines.ts';
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

test(
  'one deadline holds for a command, however often it waits for a connection',
  realTime,
  async () => {
    const open = openEngine({ databaseUrl: url, ...testServers() }, { waitMs });
    try {
      const taken = await Promise.all(
        Array.from({ length: connections }, () => open.store.begin(planOf())),
      );
      const served = open.engine.serve({
        scenario: { name: 'counter', registered: lookingTwice() },
        variant: 'plain',
        strategy: { name: 'tried', declared: rowLock },
        commandId: randomUUID(),
        input: { params: { id: '1' }, body: {} },
      });
      const inTime = endsWithin(waitMs + 500, () => served);
      const next = open.store.begin(planOf()); // behind the first look, before the second
      await delay(0.6 * waitMs);
      await taken.pop()?.rollback();
      expect((await served).outcome).toMatchObject({ kind: 'busy', detail: 'pool-exhausted' });
      expect(await inTime).toBe(true);
      for (const transaction of [...taken, await next]) await transaction.rollback();
    } finally {
      await open.close();
    }
  },
);
