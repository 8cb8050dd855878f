import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Event, predict } from '../../src/contract/index.ts';
import {
  loadRegistry,
  type RegisteredScenario,
  type RegisteredStrategy,
} from '../../src/engine/registry.ts';
import { explore } from '../../src/explore/explore.ts';
import { addGates } from '../../src/rollout/assignment-schema.ts';
import { Controller } from '../../src/rollout/controller.ts';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import { Rollouts } from '../../src/rollout/rollouts.ts';
import { migrate } from '../../src/store/migrate.ts';
import { freshDatabase } from '../database.ts';
import { audit, contend } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import { RunningService } from '../http/running-service.ts';
import { type PgBouncer, startPgBouncer } from './pgbouncer.ts';
import { describeWith } from './tools.ts';

const registry = await loadRegistry();
const events: ReadonlySet<Event> = new Set(['several processes', 'statement phases']);
/**
 * Fewer than four engines have connections, so that each transaction meets another server; and more
 * than rivals hold at once: a payment provider behind the same full pooler would wait for its callers.
 */
const poolSize = 16;
const enginesCount = 4;
const load = { rounds: 6, rivals: 8 };
const few = { ...load, rounds: 3 }; // the grid has more of them
const batchesMax = 20;

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

  test('the explorer refuses to begin, and says what to do', async () => {
    const actors = { ann: async () => 1, bob: async () => 2 };
    const subject = { setup: '', audit: 'select 1 where false', actors };
    const found = await explore(subject, { servers: { pgUrl: pooler?.url ?? '' } });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('leads to a connection pooler (PgBouncer or its kind)');
    expect(found.why).toContain("Give the explorer the server's own URL");
  });

  test('the service refuses to start where nobody has told it of the pooler, and says how', async () => {
    expect(await refusalAt(pooler?.url ?? '')).toMatch(/a pooler.*set DATABASE_POOLER=transaction/);
  });

  test('nor does a pooler hide that ignores the settings of a connection', async () => {
    const quiet = await startPgBouncer({
      program: pathOf('pgbouncer'),
      databaseUrl: urls.databaseUrl,
      poolSize,
      settings: 'ignore_startup_parameters = options,extra_float_digits',
    });
    try {
      expect(await refusalAt(quiet.url)).toMatch(/a pooler.*set DATABASE_POOLER=transaction/);
    } finally {
      await quiet.close();
    }
  });

  for (const scenario of registry.scenarios.values())
    describe(scenario.name, () => {
      for (const strategy of registry.strategies.values()) {
        const { poolerSafe, newDependency } = strategy.declared.adoption;
        const variant = safeVariant(scenario, strategy);
        if (!poolerSafe || newDependency || variant === undefined) continue;
        test(`${strategy.name}, which says that it is pooler-safe, is safe`, async () => {
          const told = await contend({ scenario, variant, strategy, engines, ...few });
          expect(await audit(scenario, engines, told)).toEqual([]);
          const kinds = told.map(({ kind }) => kind);
          expect(kinds).toContain('accepted'); // silence is not safety
          expect(kinds.filter(kind => kind === 'failed' || kind === 'unknown')).toEqual([]);
        });
      }

      test('the control, which protects nothing, is seen to violate', async () => {
        const strategy = registry.strategies.get('unprotected');
        const [variant] = Object.keys(scenario.registered.variants);
        if (!strategy || variant === undefined) throw new Error('there is no control');
        const { race } = scenario.registered;
        const kinds = new Set<string>();
        for (let batch = 0; batch < batchesMax && !kinds.has(race); batch += 1) {
          const told = await contend({ scenario, variant, strategy, engines, ...load });
          for (const { kind } of await audit(scenario, engines, told)) kinds.add(kind);
        }
        expect([...kinds]).toContain(race);
      });
    });
});

/** A pooler does not know of variants: the first is enough in which the strategy claims safety. */
function safeVariant(
  { registered }: RegisteredScenario,
  { declared }: RegisteredStrategy,
): string | undefined {
  const variants = Object.entries(registered.variants);
  return variants.find(([, traits]) => predict(declared, traits, events).verdict === 'safe')?.[0];
}

describeWith('a rollout behind PgBouncer', ['pgbouncer'], async pathOf => {
  const { databaseUrl } = await scenarioDatabase(registry);
  const place = { scenario: 'gift-card', variant: 'plain' };
  const by = { who: 'a test', action: 'start', why: 'to see it' };

  test('gets on whoever drives, and leaves no lock on a connection that others get', async () => {
    const pooler = await startPgBouncer({ program: pathOf('pgbouncer'), databaseUrl, poolSize });
    const session = await Session.open(databaseUrl);
    const pool = new pg.Pool({ connectionString: pooler.url, max: 4 });
    const rollouts = new Rollouts(
      async (text, values) => (await pool.query(text, [...values])).rows,
    );
    const drivers = [1, 2].map(
      () =>
        new Controller({
          ...{ rollouts, pauseMs: 1_000, everyMs: 5 },
          connect: async () => {
            const client = new pg.Client({ connectionString: pooler.url });
            await client.connect();
            return client;
          },
          judge: async () => ({ verdict: 'Successful', reasons: [] }),
          met: () => {},
          onError: () => {}, // behind a pooler the database's own level counts, and two may meet
        }),
    );
    try {
      await addGates(session.client, [place]);
      const gate = gateShape.parse({});
      const change = { from: 'row-lock', to: 'serializable', steps: [{ setWeight: 100 }] };
      const asked = { ...place, ...change, gate };
      const first = { step: 0, weight: 100, stage: 'progressing' } as const;
      await rollouts.begin(asked, first, [by]);
      for (const driver of drivers) driver.start();
      await until(
        'it is done',
        async () => (await rollouts.newest(place.scenario))?.stage === 'healthy',
      );
      const locks = "select count(*)::integer from pg_locks where locktype = 'advisory'";
      expect(await session.value(locks)).toBe(0);
    } finally {
      await Promise.all(drivers.map(driver => driver.stop()));
      await Promise.all([pool.end(), session.close()]);
      await pooler.close();
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

  const ours = `locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`;
  const holders = `select array_agg(pid)::text from pg_locks where ${ours}`;
  const sessions: Session[] = [];
  async function through(): Promise<Session> {
    const session = await Session.open(pooler?.url ?? '');
    sessions.push(session);
    return session;
  }
  const leave = async (): Promise<void> => {
    await Promise.all(sessions.splice(0).map(session => session.close()));
  };
  const end = `select pg_terminate_backend(pid) from pg_locks where ${ours}`;
  afterEach(async () => {
    await leave();
    await direct.run(end); // no lock is left for the next one
  });

  test('a session lock is given back on another connection, which frees nothing, and stays', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('select pg_advisory_lock(1)');
    const holder = await direct.value(holders);
    await b.run('begin'); // takes the server connection that holds the lock of `a`
    expect(`{${await b.value('select pg_backend_pid()')}}`).toBe(holder);
    expect(await a.value('select pg_advisory_unlock(1)')).toBe(false);
    await b.run('commit');
    await leave();
    expect(await direct.value(holders)).toBe(holder); // both clients have gone
    expect(await direct.value('select pg_try_advisory_lock(1)')).toBe(false);
  });

  test('a stranger that meets the same connection gets the lock a second time', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('select pg_advisory_lock(2)');
    expect(await b.value('select pg_try_advisory_lock(2)')).toBe(true); // two owners
  });

  test('the schema is migrated through it, by several at once, and no lock is left', async () => {
    const once = { name: 'once', schemaSql: 'create table once (id integer primary key)' };
    await Promise.all([1, 2, 3].map(() => migrate(pooler?.url ?? '', [once])));
    expect(await direct.value('select count(*)::integer from lockstep_migrations')).toBe(1);
    expect(await direct.value(holders)).toBeNull();
  });

  test('a transaction lock ends with its transaction', async () => {
    const [a, b] = [await through(), await through()];
    await a.run('begin', 'select pg_advisory_xact_lock(3)');
    expect(await b.value('select pg_try_advisory_xact_lock(3)')).toBe(false);
    await a.run('commit');
    expect(await b.value('select pg_try_advisory_xact_lock(3)')).toBe(true);
    expect(await direct.value(holders)).toBeNull();
  });
});

/** What the service says where it does not start. */
async function refusalAt(databaseUrl: string): Promise<string> {
  const service = new RunningService({ DATABASE_URL: databaseUrl });
  const serves = await service.ready().then(
    () => true,
    () => false,
  );
  await service.stop();
  return serves ? 'it serves' : service.errors;
}
