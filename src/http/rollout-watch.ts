import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { Assignments } from '../rollout/assignments.ts';
import { Controller } from '../rollout/controller.ts';
import { Gate } from '../rollout/gate/gate.ts';
import { Tally } from '../rollout/gate/tally.ts';
import { Listener } from '../rollout/listener.ts';
import { type Rollout, Rollouts } from '../rollout/rollouts.ts';
import type { RunSql } from '../rollout/run-sql.ts';
import { dividedName, shadowName } from '../rollout/shadow.ts';
import { reasonAgainstStart, type Start } from '../rollout/start-check.ts';
import { type Behind, behindOf, heard, shownOf } from '../rollout/view.ts';
import { type CuttableClient, clientAt } from '../store/connection.ts';
import { pgFailure } from '../store/pg-errors.ts';
import type { Meter } from '../telemetry/prometheus.ts';
import { showRollouts } from '../telemetry/rollout-gauges.ts';

export interface RolloutOptions {
  /** Ended with it. */
  readonly pool: Pool;
  readonly databaseUrl: string;
  /** Behind a pooler in transaction mode nothing can be listened to: polling has to do. */
  readonly pooler: boolean;
  readonly connectTimeoutMs: number;
  /** How long a group of keys may be kept closed while it changes hands. */
  readonly pauseMs: number;
  readonly log: Logger;
  readonly meter: Meter;
  /** Under which this process is known in the fleet. */
  readonly processId: () => string;
  /** Told of strategies that decide, or may decide soon. */
  readonly learn: (strategy: string) => void;
}

const statementMaxMs = 2_000;

/** While a rollout runs; it is also how long a burst is, see `Tally.take`. */
const pulseMs = 1_000;
/** In pulses, while none runs. */
const showEvery = 5;

/** What this process believes of the assignments, and its part in moving them. */
export class RolloutWatch {
  readonly assignments: Assignments;
  readonly rollouts: Rollouts;
  readonly gate: Gate;
  readonly tally = new Tally({ shadowOf: shadowName });
  readonly #options: RolloutOptions;
  readonly #runSql: RunSql;
  readonly #tell: (error: unknown) => void;
  readonly #listener: Listener | undefined;
  readonly #controller: Controller;
  #active = false;
  #pulses = 0;
  #timer: NodeJS.Timeout | undefined;
  #pulsing: Promise<void> | undefined;

  constructor(options: RolloutOptions) {
    const { pool, pooler, pauseMs } = options;
    this.#options = options;
    const tell = toldOnce(options.log);
    this.#tell = tell;
    this.#runSql = async <R extends object>(text: string, values: readonly unknown[]) => {
      const bounded = { text, values: [...values], query_timeout: statementMaxMs };
      const { rows } = await pool.query<R>(bounded).catch(error => {
        throw pgFailure(error, 'connect'); // whoever asks by HTTP may ask again
      });
      tell(undefined);
      return rows;
    };
    this.assignments = new Assignments({ runSql: text => this.#runSql(text, []), onError: tell });
    this.rollouts = new Rollouts(this.#runSql);
    this.gate = new Gate({ runSql: this.#runSql, shadowOf: shadowName });
    const client = (name: string) => () => clientOf(options, `lockstep ${name}`);
    const news = (): void => void this.assignments.refresh();
    this.#listener = pooler ? undefined : new Listener({ client: client('listener'), heard: news });
    this.#controller = new Controller({
      rollouts: this.rollouts,
      connect: async () => {
        const driver = client('rollout')();
        await driver.connect();
        return driver;
      },
      judge: rollout => this.gate.look(rollout),
      met: active => this.#met(active),
      pauseMs,
      onError: tell,
    });
  }

  async start(): Promise<void> {
    await this.assignments.start();
    this.#listener?.start();
    this.#controller.start();
    this.#timer = setInterval(() => {
      this.#pulsing ??= this.#pulse().finally(() => {
        this.#pulsing = undefined;
      });
    }, pulseMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#controller.stop();
    await this.#pulsing;
    await this.#listener?.stop();
    await this.assignments.stop();
    await this.#options.pool.end();
  }

  /** Why a rollout may not start now: who else serves on this database, and what is assigned. */
  notNow(asked: Start): Promise<string | undefined> {
    return reasonAgainstStart(this.#runSql, asked);
  }

  /** Who does not know the newest assignment. */
  behind(): Promise<readonly Behind[]> {
    return behindOf(this.#runSql);
  }

  #met(active: readonly Rollout[]): void {
    this.#active = active.length > 0;
    this.tally.watch(active);
    for (const { from, to } of active)
      for (const name of [from, to, shadowName(from, to), dividedName(from, to)])
        this.#options.learn(name);
  }

  /** Adds what was counted, says how far this process has heard, and shows what all have. */
  async #pulse(): Promise<void> {
    this.#pulses += 1;
    if (!this.#active && this.#pulses % showEvery !== 1) return;
    try {
      await this.gate.add(this.tally.take());
      const { processId, meter } = this.#options;
      await heard(this.#runSql, processId(), this.assignments.epochs);
      const shown = await shownOf(this.#runSql);
      const behind = this.#active ? (await this.behind()).length : 0;
      showRollouts(meter, shown, behind);
    } catch (error) {
      this.#tell(error);
    }
  }
}

function clientOf({ databaseUrl, connectTimeoutMs }: RolloutOptions, name: string): CuttableClient {
  return new (clientAt(databaseUrl))({
    connectionString: databaseUrl,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: name,
    keepAlive: true,
  });
}

/** Logs the first of a row of errors; `undefined` ends the row. */
function toldOnce(log: Logger): (error: unknown) => void {
  let away = false;
  return error => {
    if (error !== undefined && !away)
      log.warn({ err: error }, 'cannot read or move the assignments of keys; retrying');
    away = error !== undefined;
  };
}
