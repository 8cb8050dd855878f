import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Judge } from '../../bench/lab/audit.ts';
import { Failure, type Round } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredScenario } from '../../src/engine/registry.ts';
import { Engine } from '../../src/engine/serve.ts';
import type { Store } from '../../src/store/store.ts';
import { paramsOf } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine, testTuning } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { auditOf, scenarioNamed, worded } from './commands.ts';

/** One command takes effect once: also on a key with room for two. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls);
});
afterAll(() => open.close());

/** COMMIT arrives; the first `lost` of its replies do not, and are taken for a conflict. */
function losingReplies(store: Store, lost: number): Store {
  let left = lost;
  return {
    query: store.query,
    within: limits => store.within(limits),
    transact: work => store.transact(work),
    close: () => store.close(),
    async begin(plan) {
      const transaction = await store.begin(plan);
      return {
        tx: transaction.tx,
        aside: transaction.aside,
        poolMs: transaction.poolMs,
        decidedMs: undefined,
        rollback: async () => {},
        async commit() {
          await transaction.commit();
          left -= 1;
          if (left >= 0) throw new Failure('conflict');
        },
      };
    },
  };
}

/** One command with room for three, whose replies to COMMIT are lost so often. */
async function servedBlindly(scenario: RegisteredScenario, lost: number): Promise<Round> {
  const { registered, name } = scenario;
  const plan = { rounds: 1, rivals: 6, doubleTapShare: 0, random: () => 0.1 };
  const [round] = await registered.load(plan, open.store.query);
  const [call] = round?.calls ?? [];
  if (!round || !call) throw new Error('the load made no call');
  const engine = new Engine({
    stores: { pg: losingReplies(open.store, lost) },
    backends: open.backends,
    tuning: testTuning,
    observer: open.recording,
  });
  const { outcome } = await engine.serve({
    scenario: { name, registered },
    variant: 'plain',
    strategy: { name: 'tried', declared: worded('steps', { guard: ['lock row'] }) },
    commandId: randomUUID(),
    input: { params: paramsOf(registered.path, call.path), body: call.body },
  });
  expect(outcome).toMatchObject({ kind: 'accepted', attempts: lost + 1 });
  return round;
}

describe.each(['gift-card', 'coupon', 'transfer'])('%s', name => {
  const scenario = scenarioNamed(registry, name);

  test.each([0, 1, 2])(
    'a COMMIT whose reply is lost and that is retried: %i in excess',
    async n => {
      const { key } = await servedBlindly(scenario, n);
      const found = await auditOf(open, scenario, [key]);
      expect(found.map(({ kind, excess }) => ({ kind, excess }))).toEqual(
        n === 0 ? [] : [{ kind: 'duplicate', excess: n }],
      );
    },
  );

  test('the judge of the comparison sees it, whoever was told what', async () => {
    const { key } = await servedBlindly(scenario, 1);
    const judge = await Judge.open(urls.databaseUrl, scenario.auditSql);
    const claims = { keys: [key], acknowledged: [], denied: [], refusedKeys: [] };
    const { violations } = await judge.audit(claims, true);
    await judge.close();
    expect(violations).toMatchObject([{ key, kind: 'duplicate', excess: 1 }]);
  });
});
