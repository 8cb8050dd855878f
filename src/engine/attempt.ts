import {
  type Backends,
  type Context,
  type Decision,
  Failure,
  type FailureCode,
  type Guardian,
  type Held,
  Losses,
  type Plan,
  type ReleaseEnd,
  type Strategy,
  type Turn,
} from '../contract/index.ts';
import type { Store, Transaction } from '../store/store.ts';
import { claimAnnounced } from './announced-key.ts';
import { type Command, cellOf, hasEffectOutside } from './command.ts';
import { claimKey, settleKey } from './idempotency.ts';
import type { Observer } from './observer.ts';
import { noSpan, type Span as TraceSpan, tracedTx, within } from './trace.ts';

/** What one attempt needs to know. */
export interface AttemptPlan {
  readonly command: Command;
  readonly plan: Plan;
  readonly number: number;
  /** When the waiting for its turn began, on the clock of `Backends.now`. */
  readonly sinceMs: number;
  readonly deadlineMs: number;
  /** See `TransactionPlan.proof`. */
  readonly proof?: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly left: AbortSignal | undefined;
  readonly guardians: readonly Guardian[];
  readonly store: Store;
  readonly backends: Backends;
  readonly observer: Observer;
}

/** Milliseconds on the clock of `Backends.now`. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One attempt: turns around the transaction, the transaction around the rule. */
export class Attempt {
  readonly #with: AttemptPlan;
  readonly #strategy: Strategy;
  readonly #startMs: number;
  #reachedOut = false;
  #decided: Span | undefined;
  readonly #trace: TraceSpan;

  constructor(plan: AttemptPlan) {
    this.#with = plan;
    const { span = noSpan } = plan.command;
    this.#trace = span.child('attempt', { 'lockstep.attempt': plan.number });
    this.#strategy = plan.command.strategy.declared;
    this.#startMs = plan.sinceMs;
  }

  /** Whether the rule has sent a request outside the database, which a rollback cannot undo. */
  get reachedOut(): boolean {
    return this.#reachedOut;
  }

  /** From the answer to its deciding read to the end of its COMMIT; undefined without a COMMIT. */
  get decided(): Span | undefined {
    return this.#decided;
  }

  /**
   * Returns the rule's committed decision, or rolls back and throws what ended the attempt. What a
   * turn does after COMMIT changes neither: a throwing release must not fail a committed command.
   */
  run(): Promise<Decision> {
    return within(this.#trace, () => this.#run());
  }

  async #run(): Promise<Decision> {
    let entered = false;
    let ended: { readonly decision: Decision } | { readonly error: unknown } | undefined;
    const once = async (held: readonly Held[]): Promise<void> => {
      if (entered) throw new Failure('internal-error', { message: 'a turn ran its work twice' });
      entered = true;
      try {
        ended = { decision: await this.#transact(held) };
      } catch (error) {
        ended = { error };
        throw error;
      }
    };
    try {
      await this.#inTurns(this.#guardians('commit'), [], once);
    } catch (error) {
      if (!ended) throw error;
      const { observer, command } = this.#with;
      if (!('error' in ended) || error !== ended.error)
        observer.release(cellOf(command), 'unknown');
    }
    if (!ended) throw new Failure('internal-error', { message: 'a turn did not run its work' });
    if ('error' in ended) throw ended.error;
    return ended.decision;
  }

  #transact(held: readonly Held[]): Promise<Decision> {
    const hold = this.#trace.child('hold');
    return within(hold, () => this.#inTransaction(held, hold));
  }

  async #inTransaction(held: readonly Held[], hold: TraceSpan): Promise<Decision> {
    const { command, plan, number } = this.#with;
    const { idempotency: key, commandId } = command;
    const { auditKey } = plan;
    const transaction = await within(hold.child('begin'), () => this.#begin(held));
    const tx = tracedTx(transaction.tx, hold);
    try {
      if (key) {
        const claim = hasEffectOutside(command) ? claimAnnounced : claimKey;
        await claim(transaction.aside, key, commandId, number);
      }
      const decision = await this.#inTurns(this.#guardians('rule ends'), held, all =>
        plan.run(this.#strategy.wording, tx, this.#context(all)),
      );
      const answer = { decision, auditKey, commandId, attempts: number };
      if (key) await settleKey(transaction.aside, key, answer);
      hold.end();
      await within(this.#trace.child('commit'), () => this.#commit(transaction));
      return decision;
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
  }

  #context(held: readonly Held[]): Context {
    const losses = new Losses(held);
    return {
      commandId: this.#with.command.commandId,
      get lost() {
        return losses.lost;
      },
      fetch: this.#fetch,
    };
  }

  readonly #fetch: typeof fetch = (...request) => {
    this.#reachedOut = true; // set before the response: the request may take effect even if none arrives
    return fetch(...request);
  };

  #guardians(until: Turn['until']): readonly Guardian[] {
    return this.#with.guardians.filter((_, index) => this.#strategy.turns[index]?.until === until);
  }

  /** Takes the turns, outermost first; `inner` runs once all are held. */
  #inTurns<T>(
    guardians: readonly Guardian[],
    held: readonly Held[],
    inner: (held: readonly Held[]) => Promise<T>,
  ): Promise<T> {
    const [first, ...rest] = guardians;
    if (!first) return inner(held);
    const { command, plan, number, deadlineMs, left, observer } = this.#with;
    const attempt = {
      commandId: command.commandId,
      number,
      deadlineMs,
      ...(left && { left }),
      report: (end: ReleaseEnd) => observer.release(cellOf(command), end),
      tried: (end: 'granted' | FailureCode) => observer.tried?.(cellOf(command), end),
      failure: (code: FailureCode, cause?: unknown) => new Failure(code, { cause }),
    };
    const wait = this.#trace.child('wait', { 'lockstep.keys': plan.keys.length });
    // its end is told when the turn is had; a second one, where all is over, is not
    return within(wait, () =>
      first.turn(attempt, plan.keys, mine => {
        wait.end();
        return this.#inTurns(rest, [...held, mine], inner);
      }),
    );
  }

  #begin(held: readonly Held[]): Promise<Transaction> {
    const strategy = this.#strategy;
    const { proof, left } = this.#with;
    const token = held.find(one => one.token !== undefined)?.token;
    const losses = new Losses(held);
    return this.#with.store.begin({
      isolation: strategy.isolation,
      guard: strategy.guard,
      first: strategy.first,
      keys: this.#with.plan.keys,
      // a proof in the same statement would leave the rest of it on the snapshot of before
      autocommit:
        decidesInOneStatement(strategy) && !this.#with.command.idempotency && proof === undefined,
      ...(proof !== undefined && { proof }),
      isLost: () => losses.isLost(),
      deadlineMs: this.#with.deadlineMs,
      ...(left && { left }),
      ...(token !== undefined && { token }),
    });
  }

  async #commit(transaction: Transaction): Promise<void> {
    const { observer, backends, command } = this.#with;
    const cell = cellOf(command);
    const commitMs = backends.now();
    await transaction.commit();
    const decidedMs = transaction.decidedMs ?? commitMs;
    this.#decided = { fromMs: decidedMs, untilMs: backends.now() };
    observer.phase(cell, 'pool', transaction.poolMs / 1_000);
    observer.phase(cell, 'wait', (decidedMs - this.#startMs - transaction.poolMs) / 1_000);
    observer.phase(cell, 'hold', (commitMs - decidedMs) / 1_000);
    observer.phase(cell, 'commit', (backends.now() - commitMs) / 1_000);
  }
}

/** A strategy whose rule is a single deciding statement needs no transaction around it. */
export function decidesInOneStatement(strategy: Strategy): boolean {
  const alone = !strategy.turns.length && !strategy.first.length && !strategy.guard.length;
  const single = ['conditional update', 'conditional insert', 'numbered slots', 'exclusion'];
  return alone && strategy.isolation === 'read committed' && single.includes(strategy.wording);
}
