import type { JobProgress } from './enclosure/job.ts';
import { cured, explored } from './explored.ts';
import { unjudgedBy, unseenBy } from './grounds.ts';
import { type Pair, planOf } from './pairs.ts';
import { Catalogue } from './predict/catalogue.ts';
import { predicted } from './predict/clears.ts';
import type { RecordedRequest, Recording } from './record/recording.ts';
import { differs, isTurnedAway } from './replay/compare.ts';
import { callHeaders, type Replayed } from './replay/replayer.ts';
import { type State, States } from './replay/states.ts';
import type { JudgedPair, ScanResult } from './result.ts';
import type { ScanServers } from './start.ts';
import type { Caller, Finding, RedisKey, ScanSubject } from './subject.ts';

/** What a scan judges, and within which limits. */
export interface JudgeOptions {
  readonly servers: ScanServers;
  readonly start: { readonly template: string; readonly redis: readonly RedisKey[] };
  readonly secondsMax: number;
  readonly preemptions: number;
  readonly allowHosts: readonly string[];
  /** Explores also what is cleared: a clearance that is wrong is a finding then. */
  readonly exploreCleared: boolean;
  /** Tries cures on what is found. */
  readonly whatIf: boolean;
  /** For every process of the service. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Called for each pair, before and after. */
  readonly progress: (line: JobProgress) => void;
}

/** A pair gets at least so much of the time that is left. */
const pairSecondsMin = 30;

interface Planned {
  readonly pair: Pair;
  /** The request before which its state is. */
  readonly at: number;
}

/** Judges every pair of the plan. */
export async function judge(recording: Recording, options: JudgeOptions): Promise<ScanResult> {
  const judging = new Judging(recording, options);
  try {
    return await judging.all();
  } finally {
    await judging.close();
  }
}

class Judging {
  readonly #recording: Recording;
  readonly #options: JudgeOptions;
  readonly #states: States;
  readonly #startMs = performance.now();
  #orders = 0;
  #firstFindingSeconds: number | undefined;

  constructor(recording: Recording, options: JudgeOptions) {
    this.#recording = recording;
    this.#options = options;
    const { servers, start, env, signal } = options;
    const { service, requests } = recording;
    this.#states = new States(servers, service, requests, start, {
      env,
      ...(signal && { signal }),
    });
  }

  async all(): Promise<ScanResult> {
    const plan = planOf(this.#recording.requests);
    const waiting: Planned[] = plan.pairs.map(pair => ({ pair, at: pair.first.id }));
    const pairs: JudgedPair[] = [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { pair } = next;
      const title = titleOf(pair);
      const progress = { done: pairs.length, all: plan.pairs.length };
      this.#options.progress({ ...progress, text: title });
      const judged = await this.#pair(next, waiting.length + 1);
      if (judged === 'later') {
        waiting.push({ pair, at: pair.second.id });
        waiting.sort((a, b) => a.at - b.at);
        continue;
      }
      pairs.push(judged);
      const text = `${title}: ${judged.verdict}: ${judged.why}`;
      this.#options.progress({ ...progress, done: pairs.length, text });
    }
    return {
      pairs,
      kinds: plan.kinds,
      untried: plan.untried,
      outside: [],
      orders: this.#orders,
      seconds: this.#seconds,
      firstFindingSeconds: this.#firstFindingSeconds,
    };
  }

  async close(): Promise<void> {
    await this.#states.close();
  }

  get #seconds(): number {
    return (performance.now() - this.#startMs) / 1_000;
  }

  get #secondsLeft(): number {
    return this.#options.secondsMax - this.#seconds;
  }

  async #pair({ pair, at }: Planned, left: number): Promise<JudgedPair | 'later'> {
    const { first, second, kinds } = pair;
    const about = { title: titleOf(pair), kinds, requests: [first.id, second.id] as const };
    const unsent = unsendable(first) ?? unsendable(second);
    if (unsent !== undefined) return { ...about, verdict: 'not reproduced', why: unsent };
    if (this.#secondsLeft <= 0 || this.#options.signal?.aborted)
      return { ...about, verdict: 'not tried', why: 'the time was over before' };
    const state = await this.#states.before(at);
    if (state.doubt !== undefined) return { ...about, verdict: 'not reproduced', why: state.doubt };
    const oneWay = await this.#states.serial(state, [first, second]);
    const otherWay = first === second ? oneWay : await this.#states.serial(state, [second, first]);
    const why = notReproduced(pair, oneWay, otherWay);
    if (why !== undefined) {
      if (first !== second && at === first.id) return 'later';
      return { ...about, verdict: 'not reproduced', why };
    }
    const catalogue = await Catalogue.of(this.#options.servers.pgUrl, state.template);
    const prediction = await predicted(oneWay, otherWay, catalogue);
    const unjudged = unjudgedBy(pair, oneWay, otherWay, this.#recording.calls);
    const seen = (unjudged ?? unseenBy(pair, oneWay, otherWay)) === undefined;
    const cleared = seen && 'cleared' in prediction ? prediction.cleared : undefined;
    if (cleared !== undefined && !this.#options.exploreCleared)
      return { ...about, verdict: 'cleared', why: cleared };
    const subject = this.#subject(pair, state);
    const finding = await this.#explore(subject, left);
    const verdict = verdictOf(finding, unjudged);
    const said = cleared === undefined ? '' : ` (it had been cleared: ${cleared})`;
    const besides = unjudged === undefined ? '' : `; ${unjudged}`;
    const judged = { ...about, verdict, why: `${finding.why}${said}${besides}`, finding };
    if (verdict !== 'differs') return judged;
    this.#firstFindingSeconds ??= this.#seconds;
    const { servers, preemptions, whatIf } = this.#options;
    if (!whatIf) return judged;
    return { ...judged, cures: await cured(subject, { servers, preemptions }) };
  }

  #subject(pair: Pair, state: State): ScanSubject {
    return {
      title: titleOf(pair),
      start: { template: state.template, redis: state.redis },
      callers: this.#callers(pair, state),
      allowHosts: this.#options.allowHosts,
    };
  }

  async #explore(subject: ScanSubject, left: number): Promise<Finding> {
    const { servers, preemptions, signal } = this.#options;
    const share = (2 * this.#secondsLeft) / left;
    const secondsMax = Math.min(this.#secondsLeft, Math.max(pairSecondsMin, share));
    const found = await explored(subject, {
      servers,
      preemptions,
      secondsMax,
      ...(signal && { signal }),
    });
    this.#orders += found.exploration.orders;
    return found;
  }

  #callers({ first, second }: Pair, state: State): Caller[] {
    const { service } = this.#recording;
    const caller = (request: RecordedRequest, name: string): Caller => {
      const { method, path, headers, body } = requestOf(state, request);
      return {
        name,
        service: { command: service.command, cwd: service.cwd, env: this.#options.env },
        request: { method, path, headers, ...(body === '' ? {} : { body }) },
      };
    };
    const again = first === second ? `#${first.id} again` : `#${second.id}`;
    return [caller(first, `#${first.id}`), caller(second, again)];
  }
}

function requestOf(state: State, request: RecordedRequest) {
  const renamed = state.renames.apply(request);
  const { host: _host, 'content-length': _length, ...headers } = callHeaders(renamed);
  return { method: renamed.method, path: renamed.path, headers, body: renamed.body.text };
}

function titleOf({ first, second }: Pair): string {
  const told = (one: RecordedRequest): string => `${one.method} ${one.path} #${one.id}`;
  if (first === second) return `${told(first)} twice`;
  const same = first.method === second.method && first.path === second.path;
  return `${told(first)} and ${same ? `#${second.id}` : told(second)}`;
}

/** A caller sends text. */
function unsendable({ body, id }: RecordedRequest): string | undefined {
  if (body.cut) return `the body of request ${id} was too large to be recorded`;
  return body.encoding === 'utf8' ? undefined : `the body of request ${id} is not text`;
}

/**
 * Why serial replays do not stand for the recording. A request counts as reproduced where it is
 * answered in some order as it was recorded.
 */
function notReproduced(
  { first, second }: Pair,
  oneWay: readonly Replayed[],
  otherWay: readonly Replayed[],
): string | undefined {
  if ([...oneWay, ...otherWay].some(({ restless }) => restless))
    return 'the service did not come to rest behind an answer, or left a transaction open';
  const tries: readonly (readonly [RecordedRequest, readonly (Replayed | undefined)[]])[] =
    first === second
      ? [[first, [oneWay[0]]]]
      : [
          [first, [oneWay[0], otherWay[1]]],
          [second, [oneWay[1], otherWay[0]]],
        ];
  for (const [request, replays] of tries) {
    const answers = replays.map(one => one?.answer ?? null);
    const whys = answers.map(answer => differs(request.answer, answer));
    if (whys.every(why => why !== undefined)) return `request ${request.id} ${whys[0]}`;
    if (request.answer !== null && isTurnedAway(request.answer))
      return `request ${request.id} was turned away with ${request.answer.status} when it was recorded, too`;
  }
  return undefined;
}

/** Two charges in place of one leave the database as it should be. */
function verdictOf({ kind }: Finding, unjudged: string | undefined): JudgedPair['verdict'] {
  if (kind === 'equals a serial order' && unjudged !== undefined) return 'not judged';
  if (kind === 'not judged' || kind === 'equals a serial order') return kind;
  return 'differs';
}
