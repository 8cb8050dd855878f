import type { Express } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { redisNeedsOf } from '../contract/index.ts';
import { KeySweep } from '../engine/idempotency-sweep.ts';
import type { Registry } from '../engine/registry.ts';
import { Engine } from '../engine/serve.ts';
import type { OpenTracer } from '../engine/trace.ts';
import { assignerOf } from '../rollout/assigner.ts';
import { type Fleet, ormNameOf, workNames } from '../rollout/fleet.ts';
import { type OpenedBackends, openBackends } from '../store/backends.ts';
import { LazyStore } from '../store/lazy.ts';
import { PostgresLocks } from '../store/lock-view.ts';
import { pgFailure } from '../store/pg-errors.ts';
import { createPool, PostgresStore } from '../store/postgres.ts';
import type { SequelizeStore } from '../store/sequelize.ts';
import { AdHocAudits } from '../telemetry/ad-hoc-audit.ts';
import { Auditor } from '../telemetry/auditor.ts';
import { Deciders } from '../telemetry/deciders.ts';
import { CommandHistory } from '../telemetry/history.ts';
import { Meter, pageContentType, type Snapshot } from '../telemetry/prometheus.ts';
import { Recorder } from '../telemetry/recorder.ts';
import { Sweep } from '../telemetry/sweep.ts';
import {
  type EvidencePage,
  type EvidenceRow,
  selectViolations,
  valuesOf,
} from '../telemetry/violations.ts';
import { createApp } from './app.ts';
import { type ChoiceOptions, reasonAgainst } from './choice.ts';
import { choiceOf } from './configured-choice.ts';
import {
  checkNoneAssigned,
  hazardWarning,
  mayDecide,
  warningOf,
  watchFleet,
} from './fleet-watch.ts';
import { health, type Probe } from './health.ts';
import { outageLog } from './log.ts';
import { showPools } from './pool-gauges.ts';
import { storeProbes } from './probes.ts';
import { Refusals } from './refusals.ts';
import { RolloutWatch } from './rollout-watch.ts';

/** What a service needs from its process. */
export interface ProcessHooks {
  /** The metrics of all processes. */
  readonly metricsText: () => Promise<string>;
  readonly stopping: () => boolean;
  /** Closed with the service; absent: nothing is traced. */
  readonly tracer?: OpenTracer;
  /** HTTP connections of this process. */
  readonly connections?: () => { readonly open: number; readonly max: number };
}

/** Everything that one process needs to serve: stores, engine, metrics and the HTTP interface. */
export class Service {
  readonly app: Express;
  readonly #meter = new Meter('process', { runtime: true });
  readonly #store: PostgresStore;
  readonly #sequelize: LazyStore<SequelizeStore>;
  readonly #backends: OpenedBackends;
  readonly #probes: ReturnType<typeof createPool>;
  readonly #refusals: Refusals;
  readonly #audits: ReturnType<typeof createPool>;
  readonly #auditor: Auditor;
  readonly #sweep: Sweep;
  readonly #adHocAudits: AdHocAudits;
  readonly #engine: Engine;
  readonly #keys: KeySweep;
  readonly #fleet: Fleet;
  readonly #rollout: RolloutWatch | undefined;
  readonly #recorder: Recorder;
  readonly #choice: ChoiceOptions;
  readonly #history: CommandHistory | undefined;
  readonly #config: Config;
  readonly #tracer: OpenTracer | undefined;
  readonly #connections: ProcessHooks['connections'];

  constructor(config: Config, registry: Registry, log: Logger, hooks: ProcessHooks) {
    this.#config = config;
    this.#connections = hooks.connections;
    const { databaseUrl: url = '', tuning } = config;
    const reportOutage = outageLog(log);
    this.#refusals = new Refusals(reportOutage);
    const onIdleError = (error: Error): void => reportOutage('Postgres', error);
    const { pooler, connectTimeoutMs } = config;
    const lockTimeoutMs = tuning.waitMs;
    const shared = { url, pooler, connectTimeoutMs, lockTimeoutMs, onIdleError };
    const workName = config.rollouts ? workNames.proved : workNames.unproved;
    const work = { ...shared, ...(!config.rollouts && { check: mayDecide(reportOutage) }) };
    this.#store = new PostgresStore({
      ...{ ...work, applicationName: workName },
      connectionsMax: config.connectionsMax,
    });
    this.#probes = createPool({ ...shared, connectionsMax: 1, applicationName: 'lockstep probe' });
    this.#audits = createPool({ ...shared, connectionsMax: 3, applicationName: 'lockstep audit' });
    const scenarios = [...registry.scenarios.values()];
    const audited = { pool: this.#audits, scenarios, meter: this.#meter, log };
    const deciders = new Deciders(registry.strategies.keys());
    this.#auditor = new Auditor({
      ...{ ...audited, deciders },
      audited: (scenario, keys, startedMs) =>
        this.#rollout?.tally.audited(scenario, keys, startedMs),
    });
    this.#sweep = new Sweep(audited);
    this.#adHocAudits = new AdHocAudits(
      createPool({ ...shared, connectionsMax: 1, applicationName: 'lockstep asked audit' }),
    );
    this.#backends = openBackends({
      databaseUrl: url,
      redisUrl: config.redisUrl,
      redisNodeUrls: config.redisNodeUrls,
      lockConnectionsMax: config.lockConnectionsMax,
      connectTimeoutMs,
      waitMs: tuning.waitMs,
      leaseMs: tuning.leaseMs,
      onError: (store, error) => reportOutage(store === 'redis' ? 'Redis' : 'Postgres', error),
    });
    this.#recorder = new Recorder(this.#meter, {
      touched: (cell, key) => this.#auditor.touched(cell.scenario, cell.strategy, key),
      refused: (cell, key, reason) =>
        this.#auditor.refused(cell.scenario, cell.strategy, key, reason),
      failed: error => this.#refusals.saw(error),
      accepted: () => this.#refusals.wrote(),
      ended: (cell, kind, seconds, key) =>
        this.#rollout?.tally.ended({ ...cell, kind, seconds, key }),
      tried: (cell, end) => this.#rollout?.tally.tried(cell, end),
    });
    this.#sequelize = new LazyStore(async () => {
      const { SequelizeStore } = await import('../store/sequelize.ts');
      return new SequelizeStore({
        ...{ ...work, applicationName: ormNameOf(workName) },
        connectionsMax: config.connectionsMax,
      });
    });
    this.#choice = choiceOf(config, registry);
    this.#rollout = config.rollouts
      ? new RolloutWatch({
          ...{ databaseUrl: url, pooler, connectTimeoutMs, log },
          // of its own: an audit takes long, and who asks for a connection waits 400 ms
          pool: createPool({ ...shared, connectionsMax: 3, applicationName: 'lockstep rollouts' }),
          ...{ pauseMs: config.rolloutPauseMs, meter: this.#meter },
          processId: () => this.#fleet.id,
          learn: name => deciders.learn(name),
        })
      : undefined;
    const rollout = this.#rollout;
    this.#engine = new Engine({
      stores: { pg: this.#store, sequelize: this.#sequelize },
      backends: this.#backends,
      tuning,
      observer: this.#recorder,
      ...(rollout && {
        assigner: assignerOf(rollout.assignments, registry, this.#choice.missing),
      }),
      bulkhead: {
        connections: { work: config.connectionsMax, locks: config.lockConnectionsMax },
        waitersPerKey: config.waitersPerKey,
        commandsMax: config.commandsMax,
      },
    });
    this.#keys = new KeySweep({
      query: this.#store.query,
      keptMs: config.idempotencyKeptMs,
      onError: error => log.warn({ err: error }, 'expired idempotency keys cannot be removed'),
    });
    this.#history = config.commandHistory ? new CommandHistory(config.commandHistory) : undefined;
    const { strategy } = this.#choice;
    this.#fleet = watchFleet({
      ...{ ...audited, registry, strategy, deciders },
      proves: config.rollouts,
    });
    this.app = createApp({
      choice: this.#choice,
      engine: this.#engine,
      store: this.#store,
      log,
      health: () =>
        health(this.#probesOf(), { stopping: hooks.stopping(), warnings: this.#warnings() }),
      metricsPage: async () => ({ contentType: pageContentType, text: await hooks.metricsText() }),
      adminToken: config.adminToken,
      evidence: page => this.#evidence(page),
      audit: ({ auditSql }, asked) => this.#adHocAudits.run(auditSql, asked),
      history: this.#history,
      ...(rollout && {
        rollout: {
          choice: this.#choice,
          ...{ rollouts: rollout.rollouts, gate: rollout.gate },
          assigned: (scenario, variant) => rollout.assignments.has(scenario, variant),
          notNow: asked => rollout.notNow(asked),
          behind: () => rollout.behind(),
          believed: (...asked) => rollout.assignments.of(...asked),
        },
      }),
      locks: {
        strategy,
        turns: () => this.#engine.turnsOf(strategy.declared),
        postgres: new PostgresLocks(this.#audits),
        log,
      },
      tracer: hooks.tracer,
      stopping: hooks.stopping,
      failed: error => this.#refusals.saw(error),
    });
    this.#tracer = hooks.tracer;
  }

  /** Exports the counters as 0, fills the pool, and starts the background work. */
  async start(): Promise<void> {
    this.#expectCells();
    this.#meter.zero('lockstep_http_connections_refused_total', {});
    this.#meter.beforeSnapshot(() => this.#watchPools());
    this.#keys.start();
    this.#auditor.start();
    this.#sweep.start();
    const rolling = this.#rollout?.start();
    await Promise.all([this.#store.fill(), this.#fleet.start(), rolling]);
    if (!this.#config.rollouts) await checkNoneAssigned(this.#audits);
  }

  snapshot(): Promise<Snapshot> {
    return this.#meter.snapshot();
  }

  /** The metrics that may have changed since the last call. */
  changed(): Promise<Snapshot> {
    return this.#meter.changed();
  }

  /** A connection beyond the limit. */
  countRefusedConnection(): void {
    this.#meter.add('lockstep_http_connections_refused_total', {});
  }

  /** Releases all locks and closes every connection. */
  async close(): Promise<void> {
    await this.#engine.close();
    const background = [this.#auditor, this.#sweep, this.#keys, this.#fleet];
    await this.#rollout?.stop();
    await Promise.all(background.map(one => one.stop()));
    const pools = [this.#probes, this.#audits].map(pool => pool.end());
    pools.push(this.#adHocAudits.close());
    const stores = [this.#store, this.#sequelize, this.#backends].map(store => store.close());
    await Promise.allSettled([
      ...[...stores, ...pools],
      this.#history?.close(),
      this.#tracer?.close(),
    ]);
  }

  /** What a rollout must know, though the process can serve. */
  #warnings(): readonly string[] {
    const { registry, strategy } = this.#choice;
    const hazard = hazardWarning(strategy);
    const pairs = this.#fleet.pairs.map(pair => warningOf(registry, pair));
    return [...(hazard === undefined ? [] : [hazard]), ...pairs];
  }

  async #evidence(page: EvidencePage): Promise<readonly EvidenceRow[]> {
    const bounded = { text: selectViolations, values: valuesOf(page), query_timeout: 2_000 };
    const found = await this.#audits.query<EvidenceRow>(bounded).catch(error => {
      throw pgFailure(error, 'connect');
    });
    return found.rows;
  }

  #expectCells(): void {
    const { registry, strategy, missing } = this.#choice;
    for (const { name: scenario, registered } of registry.scenarios.values())
      for (const variant of Object.keys(registered.variants))
        if (!reasonAgainst({ strategy, variant }, registered.variants, missing))
          this.#recorder.expect({ scenario, variant, strategy: strategy.name });
  }

  #watchPools(): void {
    const http = this.#connections?.();
    const locks = { open: this.#backends.locks, waiting: this.#backends.locksWaiting() };
    const orm = this.#sequelize.opened?.load;
    this.#meter.set('lockstep_commands_waiting', {}, this.#engine.waiting);
    showPools(this.#meter, this.#config, {
      ...{ work: this.#store.load, locks },
      ...(http && { http }),
      ...(orm && { orm }),
    });
  }

  #probesOf(): readonly Probe[] {
    return storeProbes({
      pool: this.#probes,
      backends: this.#backends,
      need: redisNeedsOf(this.#choice.strategy.declared),
      refusals: this.#refusals,
      ...(!this.#config.rollouts && { mayDecide: () => checkNoneAssigned(this.#probes) }),
    });
  }
}
