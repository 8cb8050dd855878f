/** The phases: contested (callers released together on one key), and keys with one caller each. */

import {
  type Load,
  type Query,
  type Round as RoundPlan,
  refusedIdOf,
} from '../../src/contract/index.ts';
import type { Claims } from '../lab/shapes.ts';
import type { ContestedKey } from './ask-again.ts';
import type { Answer, Client, ClientOptions, Worked } from './client.ts';
import type { Round } from './schema.ts';

/** The results of a phase, and the claims for the audit. */
export interface PhaseLog {
  readonly rounds: readonly Round[];
  readonly seconds: number;
  readonly cutShort: boolean;
  readonly generatorCores: number;
  readonly claims: Claims;
  /** Of each key that was used one of its calls, drawn by chance. */
  readonly used: readonly ContestedKey[];
}

export interface PhaseOptions {
  readonly client: Client;
  readonly to: ClientOptions;
  readonly load: Load;
  readonly query: Query;
  readonly random: () => number;
  /** Refusal reasons that mean nothing is left. */
  readonly exhaustedReasons: readonly string[];
  /** No new key is started after this, once there are enough. */
  readonly limitMs: number;
  /** No new key is started after this, even if there are too few. */
  readonly patienceMs: number;
  /** The clock for both limits. */
  readonly nowMs?: () => number;
}

export interface ContestedOptions extends PhaseOptions {
  readonly rounds: number;
  readonly rivals: number;
  readonly doubleTapShare: number;
  /** The time limit applies only once this many keys are tested: callers overlapped, one was accepted. */
  readonly testedAtLeast: number;
}

/**
 * One fresh key after another; all commands for a key are sent in one turn of the event loop, spread
 * over the processes, so that callers of one key do meet in different processes.
 */
export async function contested(options: ContestedOptions): Promise<PhaseLog> {
  const { load, query, rounds, rivals, doubleTapShare, random, client, to } = options;
  const plans = await load({ rounds, rivals, doubleTapShare, random }, query);
  const answers: RoundAnswers[] = [];
  const isTested = (one: RoundAnswers): boolean =>
    one.answers.some(answer => answer.outcome === 'accepted' && isMet(answer, one.answers)) &&
    overlapped(one.answers, to.processUrls.length);
  const enough = (): boolean => answers.filter(isTested).length >= options.testedAtLeast;
  return timed({ ...options, enough }, plans, async next => {
    for (let plan = next(); plan; plan = next()) {
      const offset = Math.floor(random() * to.processUrls.length);
      const releasedMs = performance.now();
      const sends = plan.calls.map((call, index) =>
        client.send(call, (offset + index) % to.processUrls.length, to),
      );
      answers.push({ plan, releasedMs, answers: await settled(sends) });
    }
    return answers;
  });
}

export interface SingleOptions extends PhaseOptions {
  readonly keys: number;
  /** One: what a strategy costs by itself. Several: commands compete for CPU and disk. */
  readonly inFlight: number;
}

/** Every key once, `inFlight` at a time. */
export async function single(options: SingleOptions): Promise<PhaseLog> {
  const { load, query, keys, inFlight, random, client, to } = options;
  const plans = await load({ rounds: keys, rivals: 1, doubleTapShare: 0, random }, query);
  const answers: RoundAnswers[] = [];
  const enough = (): boolean => answers.length >= keysAtLeast;
  return timed({ ...options, enough }, plans, async next => {
    const lane = async (process: number): Promise<void> => {
      for (let plan = next(); plan; plan = next()) {
        const releasedMs = performance.now();
        const sends = plan.calls.map(call => client.send(call, process, to));
        answers.push({ plan, releasedMs, answers: await settled(sends) });
      }
    };
    const lanes = Array.from({ length: inFlight }, (_, index) =>
      lane(index % to.processUrls.length),
    );
    await settled(lanes);
    return answers;
  });
}

interface RoundAnswers {
  readonly plan: RoundPlan;
  readonly releasedMs: number;
  readonly answers: readonly Answer[];
}

/** This many keys are used even past the time limit: fewer would measure nothing. */
const keysAtLeast = 8;

async function timed(
  options: PhaseOptions & { readonly enough: () => boolean },
  plans: readonly RoundPlan[],
  run: (next: () => RoundPlan | undefined) => Promise<readonly RoundAnswers[]>,
): Promise<PhaseLog> {
  const { limitMs, patienceMs, to, enough, nowMs = () => performance.now() } = options;
  let used = 0;
  const cpu = process.cpuUsage();
  const startMs = nowMs();
  const next = (): RoundPlan | undefined => {
    to.signal.throwIfAborted();
    const spentMs = nowMs() - startMs;
    if (spentMs > (enough() ? limitMs : patienceMs)) return undefined;
    used += 1;
    return plans[used - 1];
  };
  const answers = await run(next);
  const seconds = (nowMs() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rounds: answers.map(one => roundOf(one, to.processUrls.length)),
    seconds,
    cutShort: answers.length < plans.length,
    generatorCores: (user + system) / 1e6 / seconds,
    claims: claimsOf(answers, options.exhaustedReasons),
    used: answers.flatMap(({ plan: { key, calls } }) => {
      const call = calls[Math.floor(options.random() * calls.length)];
      return call ? [{ key, call }] : [];
    }),
  };
}

/** Waits for all, then throws the first error, so that a failed phase leaves nothing running. */
async function settled<T>(all: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** A key in the form in which it is stored. */
function roundOf({ plan, releasedMs, answers }: RoundAnswers, processes: number): Round {
  const inOrder = answers.toSorted((a, b) => a.answeredMs - b.answeredMs);
  const filling = inOrder.filter(answer => answer.outcome === 'accepted')[plan.capacity - 1];
  const last = inOrder.at(-1)?.answeredMs ?? releasedMs;
  return {
    key: plan.key,
    capacity: plan.capacity,
    decidedMs: filling ? rounded(filling.answeredMs - releasedMs) : null,
    answeredMs: rounded(last - releasedMs),
    overlapped: overlapped(answers, processes),
    decidedTogether: decidedTogether(answers),
    calls: answers.map(answer => {
      const { actor, process, outcome, detail, attempts, ms } = answer;
      const met = isMet(answer, answers);
      return { actor, process, outcome, detail, attempts, ms: rounded(ms), met };
    }),
  };
}

/** Two actors' answers, from two processes where there are several. */
function areRivals(a: Answer, b: Answer, processes: number): boolean {
  return a.actor !== b.actor && (processes === 1 || a.process !== b.process);
}

/**
 * Whether the service worked on commands of two actors at the same time, in two processes where there
 * are several. Reported by the processes: sending commands together does not prove that they met.
 */
function overlapped(answers: readonly Answer[], processes: number): boolean {
  return answers.some(a =>
    answers.some(b => areRivals(a, b, processes) && isTogether(a.worked, b.worked)),
  );
}

/** Whether two actors were between deciding read and the end of COMMIT at the same time. */
function decidedTogether(answers: readonly Answer[]): boolean {
  return answers.some(a =>
    answers.some(b => a.actor !== b.actor && isTogether(a.decided, b.decided)),
  );
}

/** Whether a rival's command was worked on at the same time, in whichever process. */
function isMet(one: Answer, answers: readonly Answer[]): boolean {
  return answers.some(other => one.actor !== other.actor && isTogether(one.worked, other.worked));
}

function isTogether(a: Worked | undefined, b: Worked | undefined): boolean {
  return a !== undefined && b !== undefined && a.fromUs < b.untilUs && b.fromUs < a.untilUs;
}

function claimsOf(rounds: readonly RoundAnswers[], exhaustedReasons: readonly string[]): Claims {
  const told = (...outcomes: readonly Answer['outcome'][]) =>
    rounds.flatMap(({ plan, answers }) =>
      answers
        .filter(({ outcome, commandId }) => outcomes.includes(outcome) && commandId !== '')
        .map(({ commandId }) => ({ key: plan.key, commandId })),
    );
  return {
    keys: rounds.map(({ plan }) => plan.key),
    acknowledged: told('accepted'),
    denied: told('busy', 'failed', 'refused'),
    refusedKeys: rounds.flatMap(round => refusedIds(round, exhaustedReasons)),
  };
}

/**
 * What callers who got nothing were told is not there. A refusal for another reason claims nothing, and
 * neither does one to an actor that also has an unknown answer.
 */
function refusedIds(
  { plan: { key, calls }, answers }: RoundAnswers,
  exhaustedReasons: readonly string[],
): string[] {
  const has = (actor: string, ...outcomes: readonly Answer['outcome'][]): boolean =>
    answers.some(answer => answer.actor === actor && outcomes.includes(answer.outcome));
  const ids = answers.flatMap(({ actor, outcome, detail: reason }, index) => {
    if (outcome !== 'refused' || has(actor, 'accepted', 'unknown')) return [];
    return refusedIdOf({ key, reason, refusal: calls[index]?.refusal }, exhaustedReasons) ?? [];
  });
  return [...new Set(ids)];
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;
