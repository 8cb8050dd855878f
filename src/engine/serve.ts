import {
  type Decision,
  type FailureCode,
  failures,
  type Guardian,
  isFailure,
  type Outcome,
  type Plan,
  type Strategy,
  type Tuning,
} from '../contract/index.ts';
import type { Store } from '../store/store.ts';
import { announceKey, endAnnounced } from './announced-key.ts';
import { Attempt, type Span } from './attempt.ts';
import { type Command, cellOf, hasEffectOutside } from './command.ts';
import { Guardians, type TurnBackends } from './guardians.ts';
import {
  Answered,
  answerBefore,
  type IdempotencyKey,
  KeyRefused,
  type StoredAnswer,
} from './idempotency.ts';
import type { Observer } from './observer.ts';
import { backoffMs } from './retry.ts';

export interface EngineOptions {
  readonly stores: { readonly [name in Strategy['store']]?: Store };
  readonly backends: TurnBackends;
  readonly tuning: Tuning;
  readonly observer: Observer;
}

export interface Served {
  readonly outcome: Outcome;
  /** The id of the audit's key. */
  readonly auditKey: string;
  /** What ended the last attempt, for the log; absent after `accepted` and `refused`. */
  readonly error?: unknown;
  /** When it began to ask for its turn; absent if it never did. */
  readonly askedMs?: number;
  /** From the answer to its deciding read to the end of its COMMIT; absent without a COMMIT. */
  readonly decided?: Span;
  /** For an answer replayed under an idempotency key: the command that produced it. */
  readonly replayed?: { readonly commandId: string };
}

type Ended = Pick<Served, 'outcome' | 'error' | 'decided'>;

/** Runs commands: one or more attempts, one outcome. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #guardians: Guardians;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#guardians = new Guardians(options.backends, options.tuning);
  }

  /**
   * Runs a command to its outcome, within `tuning.waitMs` and `tuning.attemptsMax`. Throws only
   * `InvalidInput` and `NotFound` (from the scenario) and `KeyRefused`. A replayed answer is not a
   * new command: the observer is not called.
   */
  async serve(command: Command): Promise<Served> {
    const { backends, tuning } = this.#options;
    const startMs = backends.now();
    const store = this.#store(command.strategy.declared);
    const { registered } = command.scenario;
    const plan = await registered
      .prepare(command.variant, command.input, store.query)
      .catch(unprepared);
    if ('outcome' in plan) return this.#served(command, plan, startMs, '');
    const askedMs = backends.now();
    const ended = await this.#once(command, plan, startMs + tuning.waitMs);
    return 'replayed' in ended
      ? ended
      : { ...this.#served(command, ended, startMs, plan.auditKey), askedMs };
  }

  #served(command: Command, ended: Ended, startMs: number, auditKey: string): Served {
    const { backends, observer } = this.#options;
    const seconds = (backends.now() - startMs) / 1_000;
    observer.outcome(cellOf(command), ended.outcome, seconds, auditKey);
    command.span?.note({
      'lockstep.outcome': ended.outcome.kind,
      'lockstep.attempts': ended.outcome.attempts,
    });
    return { ...ended, auditKey };
  }

  /** The open turns of a strategy, in its order: what an operator may look at. */
  turnsOf(strategy: Strategy): Promise<readonly Guardian[]> {
    return this.#guardians.of(strategy);
  }

  /** Closes the turns; stores and backends belong to the caller. */
  async close(): Promise<void> {
    await this.#guardians.close();
  }

  /** Runs the attempts, unless the command has already been answered. */
  async #once(command: Command, plan: Plan, deadlineMs: number): Promise<Served | Ended> {
    const { idempotency } = command;
    if (!idempotency) return this.#attempts(command, plan, deadlineMs);
    const { query } = this.#store(command.strategy.declared);
    try {
      const before = await answerBefore(query, idempotency);
      if (before) return replayed(before, plan);
      return hasEffectOutside(command)
        ? await this.#announced(command, plan, deadlineMs, idempotency)
        : await this.#attempts(command, plan, deadlineMs);
    } catch (error) {
      if (error instanceof Answered) return replayed(error.answer, plan);
      return unprepared(error);
    }
  }

  /** As `#attempts`, under a key that outlives a rollback. */
  async #announced(
    command: Command,
    plan: Plan,
    deadlineMs: number,
    key: IdempotencyKey,
  ): Promise<Served | Ended> {
    const { query } = this.#store(command.strategy.declared);
    const { commandId } = command;
    const { auditKey } = plan;
    const answer = await announceKey(query, key, commandId);
    if (answer) return replayed(answer, plan);
    const ended = await this.#attempts(command, plan, deadlineMs);
    await endAnnounced(query, key, { commandId, outcome: ended.outcome, auditKey });
    return ended;
  }

  async #attempts(command: Command, plan: Plan, deadlineMs: number): Promise<Ended> {
    const { backends, tuning, observer } = this.#options;
    const cell = cellOf(command);
    for (let number = 1; ; number += 1) {
      let attempt: Attempt | undefined;
      try {
        attempt = await this.#attempt(command, plan, number, deadlineMs);
        const outcome = decided(await attempt.run(), number);
        return { outcome, ...(attempt.decided && { decided: attempt.decided }) };
      } catch (error) {
        if (error instanceof Answered || error instanceof KeyRefused) throw error;
        const code = codeOf(error);
        observer.failure(cell, code, error);
        if (attempt?.reachedOut && hasEffectOutside(command)) {
          observer.effectWithoutRecord(cell);
          return ending('effect-unknown', number, error); // trying again would send it again
        }
        const pauseMs = backoffMs(number, backends.random);
        const again = failures[code].retry && number < tuning.attemptsMax;
        if (!again || backends.now() + pauseMs >= deadlineMs) return ending(code, number, error);
        await backends.sleep(pauseMs);
      } finally {
        if (attempt?.reachedOut) observer.reachedOut(cell, plan.auditKey);
      }
    }
  }

  async #attempt(
    command: Command,
    plan: Plan,
    number: number,
    deadlineMs: number,
  ): Promise<Attempt> {
    const { backends, observer } = this.#options;
    const store = this.#store(command.strategy.declared);
    const guardians = await this.#guardians.of(command.strategy.declared);
    return new Attempt({ command, plan, number, deadlineMs, guardians, store, backends, observer });
  }

  #store(strategy: Strategy): Store {
    const store = this.#options.stores[strategy.store];
    if (!store) throw new Error(`no store '${strategy.store}' is open in this process`);
    return store;
  }
}

/** A store that is down while a command is prepared is an outcome, not an exception. */
function unprepared(error: unknown): Ended {
  if (!isFailure(error)) throw error;
  return ending(error.code, 0, error);
}

function ending(code: FailureCode, attempts: number, error: unknown): Ended {
  return { outcome: { kind: failures[code].outcome, detail: code, attempts }, error };
}

function replayed({ outcome, auditKey, commandId }: StoredAnswer, plan: Plan): Served {
  return { outcome, auditKey: auditKey || plan.auditKey, replayed: { commandId } };
}

function decided(decision: Decision, attempts: number): Outcome {
  return 'accepted' in decision
    ? { kind: 'accepted', detail: decision.accepted, attempts }
    : { kind: 'refused', detail: decision.refused, attempts };
}

function codeOf(error: unknown): FailureCode {
  return isFailure(error) ? error.code : 'internal-error';
}
