import type { QueryResult, QueryResultRow } from 'pg';
import {
  Failure,
  type Query,
  type Row,
  type Table,
  type Tx,
  type Value,
} from '../contract/index.ts';
import { CutTimer } from './cut-timer.ts';
import { GivingUp } from './giving-up.ts';
import { pgFailure } from './pg-errors.ts';
import type { PooledConnection } from './pooled-connection.ts';
import {
  beginSql,
  claimFenceSql,
  fenceSql,
  lockTableSql,
  named,
  type Proof,
  readAnySql,
  readSql,
  updateSql,
} from './sql.ts';
import type { Transaction, TransactionPlan } from './store.ts';

const cutGraceMs = 250; // lets the server's own lock_timeout fire first
const choicesMax = 16; // each lost choice means that a rival committed a row
const commitGraceMs = 2_000; // a sent COMMIT is worth waiting for: cutting it makes the outcome unknown

/**
 * One transaction on one plain connection, with the guard built in. BEGIN is not awaited: it
 * travels in one write with the first statement, which saves a round trip while holding the lock.
 */
export class PgTransaction implements Transaction, Tx {
  readonly poolMs: number;
  decidedMs: number | undefined;
  readonly #givingUp: GivingUp;
  readonly #cutting: CutTimer;
  readonly #connection: PooledConnection;
  readonly #plan: TransactionPlan;
  /** Rows whose fence this transaction has already claimed; a second look only reads them. */
  readonly #claimed = new Set<string>();
  #begun: Promise<unknown> | undefined;
  #notBegun: Failure | undefined;
  #broken = false;
  #ended = false;
  #left = false;

  constructor(connection: PooledConnection, plan: TransactionPlan) {
    this.#connection = connection;
    this.#plan = plan;
    this.poolMs = connection.poolMs;
    const cancel = async (): Promise<boolean> => {
      await this.#begun?.catch(() => {}); // without BEGIN the statement would commit by itself
      return connection.cancel();
    };
    this.#givingUp = new GivingUp(plan.left, { ...connection, cancel }, !plan.autocommit);
    this.#cutting = new CutTimer(plan.deadlineMs + cutGraceMs, () => connection.cut());
  }

  get tx(): Tx {
    return this;
  }

  /** Sends BEGIN and the strategy's first statements. Throws `Failure('turn-refused')`. */
  async open(): Promise<void> {
    for (const { text } of this.#plan.first) {
      const [answer] = await this.#send<{ granted: boolean }>(text, [this.#plan.keys]);
      if (answer?.granted !== true) throw new Failure('turn-refused');
    }
  }

  readonly query: Query = async <R>({ text }: { text: string }, values: readonly Value[]) => {
    const rows = await this.#send<R & QueryResultRow>(text, values);
    this.#decided();
    return rows;
  };

  readonly aside: Query = <R>({ text }: { text: string }, values: readonly Value[]) =>
    this.#send<R & QueryResultRow>(text, values);

  async check<T>(look: () => Promise<T>): Promise<T> {
    const seen = await look();
    return this.#asks('check twice') ? look() : seen;
  }

  async read<R extends Row>(table: Table<R>, id: string): Promise<R | undefined> {
    if (this.#asks('lock table')) await this.#send(lockTableSql(table), []);
    const row = this.#asks('fence read')
      ? await this.#claimFence(table, id)
      : (await this.#send<R & QueryResultRow>(readSql(table, this.#plan.guard), [id]))[0];
    this.#decided();
    return row;
  }

  async readAny<R extends Row>(table: Table<R>, where: Partial<R>): Promise<R | undefined> {
    if (this.#asks('lock table')) await this.#send(lockTableSql(table), []);
    for (let choices = 0; choices < choicesMax; choices += 1) {
      const row =
        (await this.#sendReadAny(table, where, this.#plan.guard)) ??
        // an empty result of SKIP LOCKED proves nothing while a holder may roll back: wait for it
        (this.#asks('lock row, skip locked')
          ? await this.#sendReadAny(table, where, ['lock row'])
          : undefined);
      this.#decided();
      if (!row || !this.#asks('fence read')) return row;
      const claimed = await this.#claimFence(table, row.id, where);
      if (claimed) return claimed; // otherwise a rival took it between choice and claim
    }
    throw new Failure('conflict');
  }

  async #sendReadAny<R extends Row>(
    table: Table<R>,
    where: Partial<R>,
    guard: TransactionPlan['guard'],
  ): Promise<R | undefined> {
    const { text, values } = readAnySql(table, where, guard);
    return (await this.#send<R & QueryResultRow>(text, values))[0];
  }

  async claim<R extends Row>(table: Table<R>, id: string): Promise<R | undefined> {
    return this.#plan.guard.length > 0 ? this.read(table, id) : undefined;
  }

  async touch<R extends Row>(table: Table<R>, row: R): Promise<void> {
    if (this.#asks('touch', 'compare version', 'fence write', 'fence read'))
      await this.write(table, row, {});
  }

  async write<R extends Row>(table: Table<R>, row: R, patch: Partial<R>): Promise<void> {
    const { text, values } = updateSql(table, row.id, patch, this.#proof(row));
    const [updated] = await this.#send(text, values);
    if (!updated) throw await this.#refusal(table, row.id);
  }

  async commit(): Promise<void> {
    await this.#givingUp.settled;
    if (this.#plan.isLost()) throw new Failure('turn-lost');
    // it may not have been cut yet where the process stood still, and its locks may have been ended
    const late = performance.now() > this.#plan.deadlineMs + cutGraceMs;
    if (this.#cutting.expired || (this.#begun && late)) throw new Failure('deadline-exceeded');
    if (this.#begun && this.#givingUp.inDoubt) throw new Failure('caller-left');
    if (this.#notBegun) throw this.#notBegun;
    this.#ended = true;
    if (!this.#begun) return this.#leave(this.#givingUp.inDoubt);
    this.#cutting.extend(performance.now() + commitGraceMs);
    let result: QueryResult;
    try {
      result = await this.#connection.client.query('commit');
    } catch (error) {
      this.#broken = true;
      this.#leave(true);
      throw pgFailure(error, 'commit');
    }
    this.#leave(false);
    // for an aborted transaction Postgres answers COMMIT with ROLLBACK and no error
    if (result.command !== 'COMMIT')
      throw new Failure('internal-error', {
        message: 'the rule continued after a failed statement',
      });
  }

  async rollback(): Promise<void> {
    this.#ended = true;
    if (this.#left) return;
    await this.#givingUp.settled; // a cancel on its way would hit the next command
    const broken = this.#broken || this.#givingUp.inDoubt;
    if (broken || !this.#begun) return this.#leave(broken);
    try {
      await this.#connection.client.query('rollback');
      this.#leave(false);
    } catch {
      this.#leave(true); // closing the connection rolls back
    }
  }

  /** Undefined if the row does not exist or no longer matches. Throws `Failure('stale-token')`. */
  async #claimFence<R extends Row>(
    table: Table<R>,
    id: string,
    where: Partial<R> = {},
  ): Promise<R | undefined> {
    const token = this.#token();
    const claimed = `${table.name}/${id}`;
    if (this.#claimed.has(claimed))
      return (await this.#send<R & QueryResultRow>(readSql(table, []), [id]))[0];
    const { text, values } = claimFenceSql(table, id, token, where);
    const [row] = await this.#send<R & QueryResultRow>(text, values);
    if (row) {
      this.#claimed.add(claimed);
      return row;
    }
    const refusal = await this.#refusal(table, id);
    if (refusal.mark === undefined || refusal.mark < token) return undefined;
    throw refusal;
  }

  #proof(row: Row): Proof {
    const operator = this.#asks('fence read') ? '=' : '<=';
    return {
      ...(this.#asks('compare version') && { version: row.version }),
      ...(this.#asks('fence read', 'fence write') && { fence: { token: this.#token(), operator } }),
    };
  }

  async #refusal<R extends Row>(table: Table<R>, id: string): Promise<Failure> {
    if (!this.#asks('fence read', 'fence write')) return new Failure('conflict');
    const [stored] = await this.#send<{ fence: string }>(fenceSql(table), [id]);
    return new Failure('stale-token', stored && { mark: BigInt(stored.fence) });
  }

  #token(): bigint {
    const { token } = this.#plan;
    if (token === undefined)
      throw new Failure('internal-error', {
        message: 'a fence guard needs a turn with a fencing token',
      });
    return token;
  }

  #asks(...guards: readonly TransactionPlan['guard'][number][]): boolean {
    return guards.some(guard => this.#plan.guard.includes(guard));
  }

  #decided(): void {
    this.decidedMs ??= performance.now();
    this.#givingUp.end();
  }

  #send<R extends QueryResultRow>(text: string, values: readonly Value[]): Promise<readonly R[]> {
    return this.#givingUp.during(() => this.#sendNow<R>(text, values));
  }

  async #sendNow<R extends QueryResultRow>(
    text: string,
    values: readonly Value[],
  ): Promise<readonly R[]> {
    // an un-awaited branch of the rule must not write into the connection's next command
    if (this.#ended) throw new Failure('internal-error', { message: 'the transaction has ended' });
    if (this.#plan.isLost()) throw new Failure('turn-lost');
    if (this.#cutting.expired || performance.now() > this.#plan.deadlineMs)
      throw new Failure('deadline-exceeded');
    if (this.#notBegun) throw this.#notBegun; // the statement would autocommit
    const begun = this.#begin();
    const config = this.#connection.prepare ? named(text) : { text };
    const answer = this.#connection.client.query<R>({ ...config, values: [...values] });
    const [begin, result] = await Promise.allSettled([begun, answer]);
    if (begin.status === 'rejected')
      throw this.#withoutBegin(begin.reason, result.status === 'fulfilled' ? text : undefined);
    if (result.status === 'rejected') throw this.#failure(result.reason);
    return result.value.rows;
  }

  /**
   * BEGIN failed. If the statement in the same write succeeded, it has autocommitted; a standby, which
   * refuses to begin SERIALIZABLE, lets it only read.
   */
  #withoutBegin(error: unknown, committed: string | undefined): Failure {
    this.#broken = true;
    const refused = this.#failure(error);
    const onlyRead = refused.code === 'postgres-read-only' && /^\s*select\b/.test(committed ?? '');
    const failure =
      committed === undefined || onlyRead
        ? refused
        : new Failure('outcome-unknown', { cause: error });
    this.#notBegun ??= failure;
    return failure;
  }

  #failure(error: unknown): Failure {
    const failure = pgFailure(error, this.#plan.autocommit ? 'autocommit' : 'work');
    const lost = failure.code === 'connection-lost' || failure.code === 'outcome-unknown';
    this.#broken ||= lost;
    // cut by our own timer: nothing was committed, unless in autocommit
    const cut = this.#cutting.expired && failure.code === 'connection-lost';
    const ended = failure.code === 'deadline-exceeded' || failure.code === 'connection-lost';
    if (this.#givingUp.began && ended) return new Failure('caller-left', { cause: error });
    return cut ? new Failure('deadline-exceeded', { cause: error }) : failure;
  }

  /** Sends BEGIN with the first statement, in the same write (the connection pipelines). */
  #begin(): Promise<unknown> | undefined {
    if (this.#plan.autocommit) return undefined;
    this.#begun ??= this.#connection.client.query(
      beginSql(this.#plan, this.#connection.lockTimeoutMs),
    );
    return this.#begun;
  }

  #leave(broken: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.#givingUp.end();
    this.#cutting.stop();
    this.#connection.release(broken);
  }
}
