import {
  type Model,
  type ModelStatic,
  QueryTypes,
  type Sequelize,
  type Transaction as SequelizeUnit,
} from 'sequelize';
import {
  Failure,
  type Query,
  type Row,
  type Table,
  type Tx,
  type Value,
} from '../contract/index.ts';
import { GivingUp } from './giving-up.ts';
import type { Deadline } from './sequelize-deadline.ts';
import { sequelizeFailure } from './sequelize-errors.ts';
import type { SequelizeModels } from './sequelize-models.ts';
import { lockTableSql } from './sql.ts';
import type { Transaction, TransactionPlan } from './store.ts';

const cutGraceMs = 250;
const commitGraceMs = 2_000; // a sent COMMIT is worth waiting for: cutting it makes the outcome unknown

/** An open transaction, and how to release its connection. */
export interface Unit {
  readonly sequelize: Sequelize;
  readonly models: SequelizeModels;
  readonly begun: SequelizeUnit;
  readonly deadline: Deadline;
  readonly poolMs: number;
  /** The lock_timeout of the connection; a shorter one is set at the start. */
  readonly lockTimeoutMs: number;
  readonly leave: () => void;
}

/** Runs one statement through Sequelize, as an application would. */
export async function rawQuery<R>(
  sequelize: Sequelize,
  text: string,
  values: readonly Value[],
  transaction: SequelizeUnit | null = null,
): Promise<readonly R[]> {
  // always as SELECT: then the rows come back unchanged
  return sequelize.query<R & object>(text, {
    // with `bind` every dollar sign counts as a parameter, even in quotes like $do$
    ...(values.length > 0 && { bind: [...values] }),
    type: QueryTypes.SELECT,
    transaction,
  });
}

/** One Sequelize transaction, with the guard built in. */
export class SequelizeTransaction implements Transaction, Tx {
  readonly poolMs: number;
  decidedMs: number | undefined;
  readonly #unit: Unit;
  readonly #plan: TransactionPlan;
  readonly #givingUp: GivingUp;
  #broken = false;
  /**
   * Postgres answers COMMIT of an aborted transaction with ROLLBACK; Sequelize takes that as
   * success.
   */
  #aborted = false;
  #ended = false;
  #left = false;

  constructor(unit: Unit, plan: TransactionPlan) {
    this.#unit = unit;
    this.#plan = plan;
    this.poolMs = unit.poolMs;
    this.#givingUp = new GivingUp(plan.left, unit.deadline, true);
  }

  get tx(): Tx {
    return this;
  }

  /** Sends the strategy's first statements. Throws `Failure('turn-refused')`. */
  async open(): Promise<void> {
    const remainingMs = Math.max(1, Math.floor(this.#plan.deadlineMs - performance.now()));
    if (remainingMs < this.#unit.lockTimeoutMs * 0.9)
      await this.#raw(`set local lock_timeout = ${remainingMs}`, []);
    for (const { text } of this.#plan.first) {
      const [answer] = await this.#raw<{ granted: boolean }>(text, [this.#plan.keys]);
      if (answer?.granted !== true) throw new Failure('turn-refused');
    }
  }

  readonly query: Query = async <R>({ text }: { text: string }, values: readonly Value[]) => {
    const rows = await this.#raw<R>(text, values);
    this.#decided();
    return rows;
  };

  readonly aside: Query = <R>({ text }: { text: string }, values: readonly Value[]) =>
    this.#raw<R>(text, values);

  async check<T>(look: () => Promise<T>): Promise<T> {
    const seen = await look();
    return this.#asks('check twice') ? look() : seen;
  }

  async read<R extends Row>(table: Table<R>, id: string): Promise<R | undefined> {
    return this.#find(table, { id });
  }

  async readAny<R extends Row>(table: Table<R>, where: Partial<R>): Promise<R | undefined> {
    return this.#find(table, where);
  }

  async claim<R extends Row>(table: Table<R>, id: string): Promise<R | undefined> {
    return this.#plan.guard.length > 0 ? this.read(table, id) : undefined;
  }

  async touch<R extends Row>(table: Table<R>, row: R): Promise<void> {
    if (this.#asks('touch', 'compare version')) await this.write(table, row, {});
  }

  async write<R extends Row>(table: Table<R>, row: R, patch: Partial<R>): Promise<void> {
    if (this.#asks('compare version')) await this.#save(this.#modelOf(table), row, patch);
    else await this.#update(this.#modelOf(table), row, patch);
  }

  async commit(): Promise<void> {
    await this.#givingUp.settled;
    if (this.#plan.isLost()) throw new Failure('turn-lost');
    // it may not have been cut yet where the process stood still, and its locks may have been ended
    const late = performance.now() > this.#plan.deadlineMs + cutGraceMs;
    if (this.#unit.deadline.expired || late) throw new Failure('deadline-exceeded');
    if (this.#givingUp.inDoubt) throw new Failure('caller-left');
    if (this.#aborted)
      throw new Failure('internal-error', {
        message: 'the rule continued after a failed statement',
      });
    this.#ended = true;
    this.#unit.deadline.extend(performance.now() + commitGraceMs);
    try {
      await this.#unit.begun.commit();
    } catch (error) {
      this.#leave(true); // Sequelize destroys the connection after any COMMIT failure
      throw sequelizeFailure(error, 'commit');
    }
    this.#leave(false);
  }

  async rollback(): Promise<void> {
    this.#ended = true;
    if (this.#left) return;
    await this.#givingUp.settled; // a cancel on its way would hit the next command
    if (this.#broken || this.#givingUp.inDoubt) return this.#leave(true);
    try {
      await this.#unit.begun.rollback();
      this.#leave(false);
    } catch {
      this.#leave(true); // closing the connection rolls back
    }
  }

  async #find<R extends Row>(table: Table<R>, where: Partial<Row>): Promise<R | undefined> {
    if (this.#asks('lock table')) await this.#raw(lockTableSql(table), []);
    const find = (skipLocked: boolean): Promise<Model | null> =>
      this.#modelOf(table).findOne({
        where: { ...where },
        order: [['id', 'ASC']],
        transaction: this.#unit.begun,
        ...(this.#asks('lock row', 'lock row, skip locked') && {
          lock: this.#unit.begun.LOCK.UPDATE,
        }),
        ...(skipLocked && { skipLocked }),
      });
    const skips = this.#asks('lock row, skip locked');
    let found = await this.#send(() => find(skips));
    // an empty result of SKIP LOCKED proves nothing while a holder may roll back: wait for it
    if (!found && skips) found = await this.#send(() => find(false));
    this.#decided();
    return found?.get({ plain: true });
  }

  /** Compares and increments the version (`version: true`). Throws `Failure('conflict')`. */
  async #save<R extends Row>(model: ModelStatic<Model>, row: R, patch: Partial<R>): Promise<void> {
    // a new instance per transaction: one that was saved and rolled back has the wrong version. It
    // starts with only the id, so that everything set counts as changed: `save` of unchanged values
    // sends nothing and compares nothing
    const instance = model.build({ id: row.id }, { isNewRecord: false, raw: true });
    instance.set(patch);
    instance.setDataValue('version', row.version); // `set` ignores it
    await this.#send(() => instance.save({ transaction: this.#unit.begun }));
  }

  async #update<R extends Row>(
    model: ModelStatic<Model>,
    row: R,
    patch: Partial<R>,
  ): Promise<void> {
    const itself = { version: this.#unit.sequelize.literal('"version"') };
    const values = Object.keys(patch).length > 0 ? patch : itself; // a write for its own sake
    const options = { where: { id: row.id }, transaction: this.#unit.begun };
    const [updated] = await this.#send(() => model.update(values, options));
    if (updated === 0) throw new Failure('conflict');
  }

  #modelOf<R extends Row>(table: Table<R>): ModelStatic<Model> {
    return this.#unit.models.of(table, this.#asks('compare version'));
  }

  #asks(...guards: readonly TransactionPlan['guard'][number][]): boolean {
    return guards.some(guard => this.#plan.guard.includes(guard));
  }

  #raw<R>(text: string, values: readonly Value[]): Promise<readonly R[]> {
    return this.#send(() => rawQuery<R>(this.#unit.sequelize, text, values, this.#unit.begun));
  }

  #decided(): void {
    this.decidedMs ??= performance.now();
    this.#givingUp.end();
  }

  #send<T>(statement: () => Promise<T>): Promise<T> {
    return this.#givingUp.during(() => this.#sendNow(statement));
  }

  async #sendNow<T>(statement: () => Promise<T>): Promise<T> {
    // an un-awaited branch of the rule must not write into the connection's next command
    if (this.#ended) throw new Failure('internal-error', { message: 'the transaction has ended' });
    if (this.#plan.isLost()) throw new Failure('turn-lost');
    const { expired } = this.#unit.deadline;
    if (expired || performance.now() > this.#plan.deadlineMs)
      throw new Failure('deadline-exceeded');
    try {
      return await statement();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Failure {
    const failure = sequelizeFailure(error, 'work');
    const lost = failure.code === 'connection-lost';
    this.#broken ||= lost;
    this.#aborted ||= failure.code !== 'conflict'; // a version mismatch is not a Postgres error
    const givenUp = lost || failure.code === 'deadline-exceeded';
    if (this.#givingUp.began && givenUp) return new Failure('caller-left', { cause: error });
    return this.#unit.deadline.expired && lost
      ? new Failure('deadline-exceeded', { cause: error })
      : failure;
  }

  /** A connection in a bad state is cut, which removes it from Sequelize's pool. */
  #leave(broken: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.#givingUp.end();
    if (broken) this.#unit.deadline.cut();
    this.#unit.leave();
  }
}
