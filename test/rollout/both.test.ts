import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, type Outcome, predict, type Strategy } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredStrategy } from '../../src/engine/registry.ts';
import { both } from '../../src/rollout/both.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { beforeInsert, stopsSql } from '../grid/matched-pairs.ts';
import { counterSchema } from '../laws/counter.ts';
import { strategyLaws } from '../laws/strategy-laws.ts';
import { auditOf, callRoute, idOf, scenarioNamed, serveOne } from '../scenarios/commands.ts';
import { safeMiddles } from './safe-middle.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema + stopsSql);
let engines: OpenEngine[] = [];

beforeAll(() => {
  engines = [1, 2].map(() => openEngine(urls));
});
afterAll(async () => {
  await Promise.all(engines.map(open => open.close()));
});

function named(name: string): RegisteredStrategy {
  const found = strategyNamed(registry, name);
  if (!('strategy' in found)) throw new Error(JSON.stringify(found));
  return found.strategy;
}

const inserts = {
  acts: 'inserts beside it',
  effect: 'inside',
  wordings: ['steps'],
} as const;

const refusalOf = (one: string, other: string): string => {
  const made = both(named(one), named(other));
  return 'refused' in made ? made.refused : '';
};

describe('both', () => {
  test('is one strategy in whatever order the two are named', () => {
    const pair = named('both:row-lock+redis-lease');
    expect(named('both:redis-lease+row-lock')).toBe(pair);
    expect(pair.name).toBe('both:redis-lease+row-lock');
  });

  test('takes the turns of both, the guards of both, and runs the wording that is not steps', () => {
    const { declared } = named('both:redis-lease+unique-slots');
    expect(declared).toMatchObject({ wording: 'numbered slots', isolation: 'read committed' });
    expect(declared.turns).toEqual(named('redis-lease').declared.turns);
    expect(named('both:row-lock+version-column').declared.guard).toEqual([
      'lock row',
      'compare version',
    ]);
    expect(named('both:redis-lease+unique-slots').declared.adoption).toEqual({
      migration: 'constraint over existing rows',
      everyWriterMustTakePart: true,
      newDependency: 'redis',
      poolerSafe: true,
      retryNeeded: false,
    });
    const { newDependency } = named('both:redis-lease+redlock').declared.adoption;
    expect(newDependency).toBe('redis and several redis nodes');
    expect(named('both:redis-lease+serializable').declared.isolation).toBe('serializable');
  });

  test('keeps the hazards of its parts: a key that a crash orphans keeps both from everyone', () => {
    const { hazard } = named('both:redis-setnx-expire+row-lock').declared;
    expect(hazard).toMatchObject({ under: ['crash'], cure: 'both:redis-lease+row-lock' });
    expect(named('both:row-lock+process-mutex').declared.hazard?.cure).toBe('row-lock');
    expect(named('both:redis-lease+row-lock').declared.hazard).toBeUndefined();
    // shown by contention alone, which the row lock covers
    expect(named('both:unprotected+row-lock').declared.hazard).toBeUndefined();
    const under = (name: string, ...events: Event[]) =>
      predict(named(name).declared, inserts, new Set(events)).verdict;
    expect(under('both:redis-setnx-expire+row-lock', 'crash')).toBe('unsafe');
    expect(under('both:redis-setnx-expire+row-lock')).toBe('safe');
    expect(under('both:redis-lease+row-lock', 'crash')).toBe('safe');
    expect(under('both:process-mutex+redis-lease', 'several processes')).toBe('safe');
    expect(under('both:process-mutex+none', 'several processes')).toBe('unsafe');
  });

  test('refuses pairs that cannot share a transaction, with the reason', () => {
    expect(refusalOf('row-lock', 'row-lock')).toContain('name two');
    expect(refusalOf('row-lock', 'sequelize-row-lock')).toContain('two stores');
    expect(refusalOf('row-lock', 'redis-released-early')).toContain('before COMMIT');
    expect(refusalOf('redis-lease', 'redis-lease-queued')).toContain('already exclude each other');
    expect(refusalOf('advisory-session', 'advisory-transaction')).toContain(
      'deadlock with themselves',
    );
    expect(refusalOf('unique-slots', 'atomic-update')).toContain('runs only one');
    expect(refusalOf('row-lock', 'precreated-slots')).toContain('never reads it');
    expect(refusalOf('row-lock', 'repeatable-read')).toContain('neither level');
    expect(refusalOf('row-lock', 'serializable')).toContain('snapshot taken before the wait');
    expect(refusalOf('advisory-transaction', 'serializable')).toContain('snapshot');
  });

  test('the old name of the control still works, alone and in a pair', () => {
    expect(named('none').name).toBe('unprotected');
    expect(named('both:none+row-lock').name).toBe(named('both:unprotected+row-lock').name);
  });

  test('an unknown name, and a pair that cannot be, are told apart', () => {
    expect(strategyNamed(registry, 'both:row-lock+nothing')).toEqual({ unknown: 'nothing' });
    expect(strategyNamed(registry, 'both:row-lock')).toEqual({ unknown: 'both:row-lock' });
    expect(strategyNamed(registry, 'both:row-lock+row-lock')).toHaveProperty('refused');
  });
});

describe('composed pairs', () => {
  for (const name of ['both:row-lock+unique-slots', 'both:redis-lease+row-lock'])
    strategyLaws(named(name), () => urls);
});

safeMiddles(registry, () => engines, [
  ['row-lock', 'unique-slots'],
  ['redis-lease', 'serializable'],
]);

describe('what the middle is for', () => {
  let director: Session;
  let observer: Session;
  beforeAll(async () => {
    director = await Session.open(urls.databaseUrl);
    observer = await Session.open(urls.databaseUrl);
  });
  afterAll(() => Promise.all([director.close(), observer.close()]));

  const payrollReversal = scenarioNamed(registry, 'payroll-reversal');

  /** The director stops both at a lock, one after the other; who was accepted, and what the audit finds. */
  async function stoppedAt(lockSql: (id: string) => string, strategies: readonly Strategy[]) {
    const [first] = engines;
    if (!first) throw new Error('no engine is open');
    const body = { employer: 'Ada', amountCents: 1 };
    const scenario = payrollReversal;
    const id = idOf(await callRoute(first, scenario, 'post', '/payrolls', { body }));
    await director.run('begin', lockSql(id));
    const told: Promise<Outcome>[] = [];
    for (const [index, strategy] of strategies.entries()) {
      const input = { params: { id }, body: { adminId: String(index + 1) } };
      told.push(serveOne(engines[index] ?? first, { scenario, variant: 'plain', strategy, input }));
      await until('it waits', async () => (await observer.value(waitersSql)) === index + 1);
    }
    await director.run('commit');
    const kinds = (await Promise.all(told)).map(({ kind }) => kind);
    return { kinds, found: await auditOf(first, scenario, [id]) };
  }

  test('A beside B without it is seen to let two through', async () => {
    const atInsert = () => `select pg_advisory_xact_lock(${beforeInsert})`;
    const pair = [named('row-lock').declared, named('redis-lease').declared];
    const { kinds, found } = await stoppedAt(atInsert, pair);
    expect(kinds).toEqual(['accepted', 'accepted']);
    expect(found).toMatchObject([{ kind: 'duplicate', excess: 1 }]);
  });

  test('a row lock beside SERIALIZABLE with a row lock is seen to let two through: that pair is refused', async () => {
    const atRow = (id: string) => `select from payrolls where id = ${id} for update`;
    const rowLock = named('row-lock').declared;
    // who waits for the row with a snapshot counts what there was before the wait
    const pair = [rowLock, { ...rowLock, isolation: 'serializable' as const }];
    const { kinds, found } = await stoppedAt(atRow, pair);
    expect(kinds).toEqual(['accepted', 'accepted']);
    expect(found).toMatchObject([{ kind: 'duplicate', excess: 1 }]);
  });
});
