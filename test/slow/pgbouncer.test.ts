import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, predict } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { freshDatabase } from '../database.ts';
import { audit, contend } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import { type PgBouncer, startPgBouncer } from './pgbouncer.ts';
import { describeWith } from './tools.ts';

const registry = await loadRegistry();
const events: ReadonlySet<Event> = new Set(['several processes', 'statement phases']);
/** Fewer than the clients of four engines have connections: every COMMIT gives one to another. */
const poolSize = 6;
const enginesCount = 4;

describeWith('behind PgBouncer in transaction mode', ['pgbouncer'], async pathOf => {
  const urls = await scenarioDatabase(registry);
  let pooler: PgBouncer | undefined;
  let engines: readonly OpenEngine[] = [];

  beforeAll(async () => {
    const { databaseUrl } = urls;
    pooler = await startPgBouncer({ program: pathOf('pgbouncer'), databaseUrl, poolSize });
    const behind = { ...urls, databaseUrl: pooler.url, pooler: true };
    engines = Array.from({ length: enginesCount }, () => openEngine(behind));
  });
  afterAll(async () => {
    await Promise.all(engines.map(open => open.close()));
    await pooler?.close();
  });

  for (const scenario of registry.scenarios.values())
    for (const [variant, traits] of Object.entries(scenario.registered.variants))
      describe(`${scenario.name}/${variant}`, () => {
        for (const strategy of registry.strategies.values()) {
          const { poolerSafe, newDependency } = strategy.declared.adoption;
          const { verdict } = predict(strategy.declared, traits, events);
          if (!poolerSafe || newDependency || strategy.declared.hazard) continue;
          if (verdict === 'not offered') continue;
          test(`${strategy.name}, which says that it is pooler-safe, is ${verdict}`, async () => {
            const told = await contend({ ...cell(strategy), rounds: 15, rivals: 8 });
            expect(await audit(scenario, engines, told)).toEqual([]);
            expect(verdict).toBe('safe');
            const kinds = told.map(({ kind }) => kind);
            expect(kinds).toContain('accepted'); // silence is not safety
            expect(kinds.filter(kind => kind === 'failed' || kind === 'unknown')).toEqual([]);
          });
        }

        test('the control, which protects nothing, is seen to violate', async () => {
          const control = registry.strategies.get('none');
          if (!control) throw new Error('there is no control');
          const told = await contend({ ...cell(control), rounds: 15, rivals: 8 });
          const kinds = (await audit(scenario, engines, told)).map(({ kind }) => kind);
          expect(kinds).toContain(scenario.registered.race);
        });

        function cell(strategy: Parameters<typeof contend>[0]['strategy']) {
          return { scenario, variant, strategy, engines };
        }
      });
});

describeWith('pgbouncer-session-lock:', ['pgbouncer'], async pathOf => {
  const { url } = await freshDatabase();
  let pooler: PgBouncer | undefined;
  let direct: Session;

  beforeAll(async () => {
    const program = pathOf('pgbouncer');
    pooler = await startPgBouncer({ program, databaseUrl: url, poolSize: 2 });
    direct = await Session.open(url);
  });
  afterAll(async () => {
    await direct.close();
    await pooler?.close();
  });

  const holders = "select array_agg(pid)::text from pg_locks where locktype = 'advisory'";
  const through = (): Promise<Session> => Session.open(pooler?.url ?? '');

  test('a session lock is given back on another connection, which frees nothing, and stays', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('select pg_advisory_lock(1)');
    const holder = await direct.value(holders);
    await b.run('begin'); // takes the server connection that holds the lock of `a`
    expect(`{${await b.value('select pg_backend_pid()')}}`).toBe(holder);
    expect(await a.value('select pg_advisory_unlock(1)')).toBe(false);
    await b.run('commit');
    await Promise.all([a.close(), b.close()]);
    expect(await direct.value(holders)).toBe(holder); // both clients have gone
    expect(await direct.value('select pg_try_advisory_lock(1)')).toBe(false);
    await direct.run(`select pg_terminate_backend(unnest('${holder}'::integer[]))`);
  });

  test('a stranger that meets the same connection gets the lock a second time', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('select pg_advisory_lock(2)');
    const holder = await direct.value(holders);
    expect(await b.value('select pg_try_advisory_lock(2)')).toBe(true); // two owners
    await Promise.all([a.close(), b.close()]);
    await direct.run(`select pg_terminate_backend(unnest('${holder}'::integer[]))`);
  });

  test('a transaction lock ends with its transaction', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('begin', 'select pg_advisory_xact_lock(3)');
    expect(await b.value('select pg_try_advisory_xact_lock(3)')).toBe(false);
    await a.run('commit');
    expect(await b.value('select pg_try_advisory_xact_lock(3)')).toBe(true);
    expect(await direct.value(holders)).toBeNull();
    await Promise.all([a.close(), b.close()]);
  });
});
