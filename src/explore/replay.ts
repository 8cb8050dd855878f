import { checkConfig } from './config-check.ts';
import { SetupFailed } from './failed.ts';
import { type ExecutionRecord, Stage, type Subject } from './run/stage.ts';
import type { Choice } from './search/choice.ts';
import { cheapest } from './search/cost.ts';
import { type DecisionPoint, Nondeterministic } from './search/point.ts';
import { parseSchedule, type Schedule } from './search/schedule.ts';
import { type ExploreOptions, settingsOf } from './settings.ts';

export interface ReplayOptions extends ExploreOptions {
  readonly times?: number;
  /** 'guided' leaves out what is no longer possible: for code that has changed. */
  readonly mode?: 'strict' | 'guided';
}

/**
 * Runs one schedule, `v2:…` or `v1:…`, again. Throws Nondeterministic where a strict replay cannot be followed
 * to its end: the code, the data or the options differ from those that found it; SetupFailed where
 * there is no world to run it in.
 */
export async function replay(
  subject: Subject,
  schedule: string,
  options: ReplayOptions,
): Promise<readonly ExecutionRecord[]> {
  checkConfig(subject, options);
  const parsed = parseSchedule(schedule);
  const events = { ...settingsOf(options), leasesTogether: parsed.version === 1 };
  const stage = await Stage.open(subject, options.servers, events).catch((error: unknown) => {
    throw new SetupFailed(error);
  });
  try {
    const records: ExecutionRecord[] = [];
    for (let time = 0; time < (options.times ?? 1); time++) {
      records.push(await followed(stage, parsed, options.mode ?? 'strict'));
    }
    return records;
  } finally {
    await stage.close();
  }
}

/** Where the server chooses between waiters, it is asked so often to choose as it did. */
const triesMax = 60;

async function followed(
  stage: Stage,
  schedule: Schedule,
  mode: 'strict' | 'guided',
): Promise<ExecutionRecord> {
  for (let tries = 1; ; tries++) {
    const follow = new Follow(schedule, mode);
    try {
      const record = await stage.execute(point => follow.choose(point));
      // Without a verdict it may have ended anywhere: that says nothing of the program.
      if (record.end.kind !== 'inconclusive') follow.checkEnd();
      return record;
    } catch (error) {
      const again = error instanceof Nondeterministic && follow.raced && tries < triesMax;
      if (!again) throw error;
    }
  }
}

/** Follows the tokens of a schedule. */
class Follow {
  /** At some point on the way the server chose who of several waiters went first. */
  raced = false;
  readonly #tokens: readonly string[];
  readonly #version: Schedule['version'];
  readonly #mode: 'strict' | 'guided';
  #at = 0;

  constructor({ version, tokens }: Schedule, mode: 'strict' | 'guided') {
    this.#tokens = tokens;
    this.#version = version;
    this.#mode = mode;
  }

  choose(point: DecisionPoint): Choice | undefined {
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
    if (this.#mode === 'guided') return cheapest(point.choices, point.previous);
    throw new Nondeterministic('the actors go on after the end of the schedule');
  }

  #tokenOf(choice: Choice): string {
    return this.#version === 1 ? choice.legacy : choice.token;
  }

  checkEnd(): void {
    if (this.#mode === 'guided' || this.#at === this.#tokens.length) return;
    throw new Nondeterministic(`the actors ended before '${this.#tokens[this.#at]}'`);
  }
}
