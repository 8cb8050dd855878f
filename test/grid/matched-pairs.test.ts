import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { openEngine } from '../fixtures/engines.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import { scenarioNamed } from '../scenarios/commands.ts';
import { type Stage, stepsOf, stopsSql } from './matched-pairs.ts';

/** Every hazard is seen to fail by a fixed list of steps on real servers, and its cure is not. */
const registry = await loadRegistry();
const [redis] = await ownRedisServers(1);
if (!redis) throw new Error('one server was asked for');
const { databaseUrl } = await scenarioDatabase(registry, stopsSql);
const urls = { databaseUrl, redisUrl: redis.url, redisNodeUrls: [] };
const hazards = [...registry.strategies.values()].flatMap(({ name, declared }) =>
  declared.hazard ? [{ name, declared, cure: declared.hazard.cure }] : [],
);
let stage: Stage;

beforeAll(async () => {
  const tuning = { extendLease: false };
  stage = {
    one: openEngine(urls, tuning),
    two: openEngine(urls, tuning),
    director: await Session.open(databaseUrl),
    observer: await Session.open(databaseUrl),
    redis,
    payrollReversal: scenarioNamed(registry, 'payroll-reversal'),
    giftCard: scenarioNamed(registry, 'gift-card'),
  };
});
beforeEach(() => redis.fresh());
afterEach(async () => {
  await stage.director.run('rollback'); // where a step failed, the others still wait
  await redis.admin.acl('SETUSER', 'default', '+pexpire');
});
afterAll(async () => {
  const { one, two, director, observer } = stage;
  await Promise.all([one, two, director, observer].map(each => each.close()));
});

test('every hazard has a step list, and every step list a hazard', () => {
  expect(Object.keys(stepsOf).sort()).toEqual(hazards.map(({ name }) => name).sort());
});

describe('the same steps', () => {
  for (const { name, declared, cure } of hazards) {
    test(`do harm under ${name}`, async () => {
      expect(await stepsOf[name]?.(declared, stage)).toBe(true);
    });

    test(`do none under ${cure}, the cure of ${name}`, async () => {
      const cured = registry.strategies.get(cure);
      expect(cured && (await stepsOf[name]?.(cured.declared, stage))).toBe(false);
    });
  }
});
