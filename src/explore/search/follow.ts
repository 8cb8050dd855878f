import type { Choice } from './choice.ts';
import { type DecisionPoint, Nondeterministic } from './point.ts';
import type { Schedule } from './schedule.ts';
import { cheapestFirst, type Scheduler } from './scheduler.ts';

/** `guided` skips what is no longer possible and continues past the end: for changed code. */
export type FollowMode = 'strict' | 'guided';

/** Follows the tokens of a schedule. */
export class Follow implements Scheduler {
  /** At some point on the way the server chose who of several waiters went first. */
  raced = false;
  readonly #tokens: readonly string[];
  readonly #version: Schedule['version'];
  readonly #mode: FollowMode;
  #at = 0;

  constructor({ version, tokens }: Schedule, mode: FollowMode) {
    this.#tokens = tokens;
    this.#version = version;
    this.#mode = mode;
  }

  next(point: DecisionPoint): Choice | undefined {
    this.raced ||= point.raced === true;
    for (; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at];
      const choice = point.choices.find(one => this.#tokenOf(one) === token);
      if (choice !== undefined) {
        this.#at++;
        return choice;
      }
      if (this.#mode === 'strict') {
        const possible = point.choices.map(one => this.#tokenOf(one)).join(' ');
        throw new Nondeterministic(`'${token}' is not possible here; possible are ${possible}`);
      }
    }
    if (this.#mode === 'guided') return cheapestFirst.next(point);
    throw new Nondeterministic('the actors go on after the end of the schedule');
  }

  #tokenOf(choice: Choice): string {
    return this.#version === 1 ? choice.legacy : choice.token;
  }

  /** Throws Nondeterministic where a strict replay ended before its schedule did. */
  checkEnd(): void {
    if (this.#mode === 'guided' || this.#at === this.#tokens.length) return;
    throw new Nondeterministic(`the actors ended before '${this.#tokens[this.#at]}'`);
  }
}
