import {
  departure,
  Failure,
  type FailureCode,
  failures,
  type Guardian,
  type Outcome,
  type Plan,
  type Query,
  type Strategy,
  type Tuning,
} from '../contract/index.ts';
import type { Limits, Store } from '../store/store.ts';
import { announceKey, endAnnounced } from './announced-key.ts';
import type { Assigned, Assigner } from './assigner.ts';
import { Attempt, type Span } from './attempt.ts';
import { Bulkhead, type BulkheadLimits, NotLetIn, type Place } from './bulkhead.ts';
import { type Command, cellOf, hasEffectOutside } from './command.ts';
import { newCommandId, originOf } from './command-id.ts';
import { codeOf, decided, ending, replayed, unprepared } from './endings.ts';
import { Guardians, type TurnBackends } from './guardians.ts';
import { Answered, answerBefore, type IdempotencyKey, KeyRefused } from './idempotency.ts';
import type { Observer } from './observer.ts';
import { backoffMs } from './retry.ts';

/** What becomes of an announced key is waited for so long after the deadline, and goes on behind the answer. */
const tellMs = 250;

type Left = Command['left'] | undefined;

export interface EngineOptions {
  readonly stores: { readonly [name in Strategy['store']]?: Store };
  readonly backends: TurnBackends;
  readonly tuning: Tuning;
  readonly observer: Observer;
  /** Where keys change from strategy to strategy while the service runs. */
  readonly assigner?: Assigner;
  /** Absent: every command asks for its turn at once. */
  readonly bulkhead?: BulkheadLimits;
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
  /** The command as it ran at last: keys may have been assigned to another strategy. */
  readonly ran?: Command;
  /** How long those ahead of it would take, where it could not get its turn. */
  readonly aheadMs?: number;
  /** For an answer replayed under an idempotency key: the command that produced it. */
  readonly replayed?: { readonly commandId: string };
}

type Ended = Pick<Served, 'outcome' | 'error' | 'decided' | 'ran' | 'aheadMs'>;

/** A command under way. */
interface Work {
  readonly command: Command;
  readonly plan: Plan;
  readonly deadlineMs: number;
  /** Within the command's own time. */
  readonly query: Query;
}

/** Runs commands: one or more attempts, one outcome. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #guardians: Guardians;
  readonly #bulkhead: Bulkhead | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#guardians = new Guardians(options.backends, options.tuning);
    const { bulkhead, backends } = options;
    this.#bulkhead = bulkhead && new Bulkhead(bulkhead, backends.now);
  }

  /** Commands that wait until others of their key have had their turn. */
  get waiting(): number {
    return this.#bulkhead?.waiting ?? 0;
  }

  /**
   * Runs a command to its outcome, within `tuning.waitMs` and `tuning.attemptsMax`. Throws only
   * `InvalidInput` and `NotFound` (from the scenario) and `KeyRefused`. A replayed answer is not a
   * new command: the observer is not called.
   */
  async serve(command: Command): Promise<Served> {
    const { backends, tuning } = this.#options;
    const startMs = command.arrivedMs ?? backends.now();
    const deadlineMs = startMs + tuning.waitMs;
    const query = this.#store(command.strategy.declared).within(limitsOf(command, deadlineMs));
    const { registered } = command.scenario;
    const plan = await registered.prepare(command.variant, command.input, query).catch(unprepared);
    if ('outcome' in plan) return this.#served(command, plan, startMs, '');
    const askedMs = backends.now();
    const ended = await this.#once({ command, plan, deadlineMs, query });
    return 'replayed' in ended
      ? ended
      : { ...this.#served(command, ended, startMs, plan.auditKey), askedMs };
  }

  #served(command: Command, ended: Ended, startMs: number, auditKey: string): Served {
    const { backends, observer } = this.#options;
    const seconds = (backends.now() - startMs) / 1_000;
    observer.outcome(cellOf(ended.ran ?? command), ended.outcome, seconds, auditKey);
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
  async #once(work: Work): Promise<Served | Ended> {
    const { command, plan, query } = work;
    const { idempotency } = command;
    if (!idempotency) return this.#inside(work, sinceMs => this.#attempts(work, sinceMs));
    try {
      const before = await answerBefore(query, idempotency);
      if (before) return replayed(before, plan);
      return await this.#inside(work, sinceMs =>
        hasEffectOutside(command)
          ? this.#announced(work, idempotency, sinceMs)
          : this.#attempts(work, sinceMs),
      );
    } catch (error) {
      if (error instanceof Answered) return replayed(error.answer, plan);
      return unprepared(error);
    }
  }

  /** Runs `inner` when it is one of the few of its keys that may ask for their turn. */
  async #inside<T extends Served | Ended>(
    { command, plan, deadlineMs }: Work,
    inner: (sinceMs: number) => Promise<T>,
  ): Promise<T | Ended> {
    const sinceMs = this.#options.backends.now();
    if (!this.#bulkhead) return inner(sinceMs);
    const { strategy } = command;
    let place: Place;
    try {
      const limits = limitsOf(command, deadlineMs);
      place = await this.#bulkhead.enter(strategy.declared, plan.keys, limits);
    } catch (error) {
      if (!(error instanceof NotLetIn)) throw error;
      // it counts for the strategy that it would have run under
      const { command: ran } = await this.#assigned(
        command,
        plan,
        this.#options.backends.now(),
      ).catch(() => ({ command }));
      this.#options.observer.failure(cellOf(ran), error.code, error);
      return { ...ending(error.code, 0, error), aheadMs: error.aheadMs, ran };
    }
    try {
      const ended = await inner(sinceMs);
      return ended.outcome.kind === 'busy' ? { ...ended, aheadMs: place.aheadMs } : ended;
    } finally {
      place.leave();
    }
  }

  /** As `#attempts`, under a key that outlives a rollback. */
  async #announced(work: Work, key: IdempotencyKey, sinceMs: number): Promise<Served | Ended> {
    const { command, plan, query, deadlineMs } = work;
    const { commandId } = command;
    const { auditKey } = plan;
    const answer = await announceKey(query, key, commandId);
    if (answer) return replayed(answer, plan);
    const { outcome, ...rest } = await this.#attempts(work, sinceMs);
    const store = this.#store(command.strategy.declared);
    const told = endAnnounced(store.query, key, { commandId, outcome, auditKey });
    const { now, sleep } = this.#options.backends;
    await sleep(Math.max(0, deadlineMs - now()) + tellMs, told);
    return { outcome, ...rest };
  }

  async #attempts(work: Work, sinceMs: number): Promise<Ended> {
    const { plan, deadlineMs } = work;
    const { backends, tuning, observer } = this.#options;
    let { command } = work;
    let { left } = command; // once something has left, it runs to its end
    for (let number = 1; ; number += 1) {
      let attempt: Attempt | undefined;
      try {
        if (left?.aborted) throw new Failure('caller-left');
        const askedMs = number === 1 ? sinceMs : backends.now();
        const assigned = await this.#assigned(command, plan, deadlineMs);
        const { command: now, refused, ...proof } = assigned;
        command = now;
        if (refused) throw refused;
        const tried = { number, sinceMs: askedMs, left, ...proof };
        attempt = await this.#attempt({ ...work, command }, tried);
        const outcome = decided(await attempt.run(), number);
        return { outcome, ran: command, ...(attempt.decided && { decided: attempt.decided }) };
      } catch (error) {
        if (error instanceof Answered || error instanceof KeyRefused) throw error;
        const cell = cellOf(command);
        const code = codeOf(error);
        observer.failure(cell, code, error);
        const ended = (told: FailureCode): Ended => ({
          ...ending(told, number, error),
          ran: command,
        });
        if (attempt?.reachedOut) left = undefined;
        if (attempt?.reachedOut && hasEffectOutside(command)) {
          observer.effectWithoutRecord(cell);
          return ended('effect-unknown'); // trying again would send it again
        }
        const pauseMs = backoffMs(number, backends.random);
        const again = failures[code].retry && number < tuning.attemptsMax;
        if (!again || backends.now() + pauseMs >= deadlineMs) return ended(code);
        if (code === 'assignment-changed') await this.#options.assigner?.refresh();
        await backends.sleep(pauseMs, departure(left));
      } finally {
        if (attempt?.reachedOut) observer.reachedOut(cellOf(command), plan.auditKey);
      }
    }
  }

  /**
   * The command under the strategy that its keys are assigned to now. Under another one than before it
   * gets an id that says so, unless the id was announced: nothing has been done under it yet.
   */
  async #assigned(
    command: Command,
    plan: Plan,
    deadlineMs: number,
  ): Promise<Omit<Assigned, 'strategy'> & { readonly command: Command }> {
    const { assigner } = this.#options;
    if (!assigner) return { command };
    const { strategy, ...proof } = await assigner.assign(command, plan.keys, deadlineMs);
    if (strategy.name === command.strategy.name) return { command, ...proof };
    const announced = command.idempotency && hasEffectOutside(command);
    const kept = announced || !originOf(command.commandId); // one made elsewhere says nothing
    const commandId = kept ? command.commandId : newCommandId(strategy.name);
    return { command: { ...command, strategy, commandId }, ...proof };
  }

  async #attempt(
    { command, plan, deadlineMs }: Work,
    tried: {
      readonly number: number;
      readonly sinceMs: number;
      readonly left: Left;
      readonly proof?: string;
    },
  ): Promise<Attempt> {
    const { backends, observer } = this.#options;
    const store = this.#store(command.strategy.declared);
    const guardians = await this.#guardians.of(command.strategy.declared);
    return new Attempt({
      ...{ command, plan, deadlineMs, guardians, store, backends, observer },
      ...tried,
    });
  }

  #store(strategy: Strategy): Store {
    const store = this.#options.stores[strategy.store];
    if (!store) throw new Error(`no store '${strategy.store}' is open in this process`);
    return store;
  }
}

function limitsOf({ left }: Command, deadlineMs: number): Limits {
  return { deadlineMs, ...(left && { left }) };
}
