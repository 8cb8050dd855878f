/** The service as a load sees it. Its answers are read and never believed: the audit judges. */
import { sleep } from 'k6';
import exec from 'k6/execution';
import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import type { Settings } from './settings.ts';

/** One command as a request, on a key that was made for it. */
export interface Command {
  readonly path: string;
  readonly body: object;
  /** Who sends it, for the service's history: two commands of one caller are no rivals. */
  readonly caller?: string;
  /** What its refusal for this reason claims, if more than that nothing is left on the key. */
  readonly refusal?: { readonly reason: string; readonly id: string } | undefined;
}

export type Outcome = 'accepted' | 'refused' | 'busy' | 'failed' | 'unknown' | 'wrong';

export interface Answer {
  readonly outcome: Outcome;
  /** Of a refusal, or the code of a failure. */
  readonly reason: string;
  readonly commandId: string;
  readonly attempts: number;
  readonly ms: number;
}

const json = { 'content-type': 'application/json' };
const outcomes: readonly string[] = ['busy', 'failed', 'unknown'];

/** What the service was found to be. */
export interface Served {
  /** The strategy that has to be named by every answer, except during a rollout. */
  readonly strategy: string;
  /** Whether each request asks for it by its header. */
  readonly byHeader: boolean;
}

/** Sends one command. `turn` says which process gets it, where several are named. */
export function send(settings: Settings, served: Served, command: Command, turn: number): Answer {
  const { url, body, params } = requestOf(settings, served, command, turn);
  return read(http.post(url, body, params), settings.rollout ? undefined : served.strategy);
}

const sentAtOnce = 50;

/** What becomes of each of these commands, in their order; k6 sends `batchPerHost` at once. */
export function sendAll(
  settings: Settings,
  served: Served,
  commands: readonly Command[],
): readonly Answer[] {
  const answers: Answer[] = [];
  const strategy = settings.rollout ? undefined : served.strategy;
  for (let at = 0; at < commands.length; at += sentAtOnce) {
    const some = commands
      .slice(at, at + sentAtOnce)
      .map((command, index) => requestOf(settings, served, command, index));
    for (const response of http.batch(some)) answers.push(read(response, strategy));
  }
  return answers;
}

function requestOf(settings: Settings, served: Served, command: Command, turn: number) {
  const { urls, variant, timeoutSeconds } = settings;
  return {
    method: 'POST',
    url: `${urls[turn % urls.length]}${command.path}`,
    body: JSON.stringify(command.body),
    params: {
      headers: {
        ...json,
        ...(command.caller !== undefined && { 'command-caller': command.caller }),
        ...(served.byHeader && { 'lock-strategy': served.strategy }),
        ...(variant !== undefined && { 'scenario-variant': variant }),
      },
      timeout: `${timeoutSeconds}s`,
      tags: { name: nameOf(command.path), kind: 'command' },
    },
  };
}

/** One name for all ids: k6 keeps a series per name. */
const nameOf = (path: string): string => path.replace(/\d+/g, ':id');

/** `strategy`: the one that has to answer; undefined: any. */
function read(response: RefinedResponse<ResponseType>, strategy: string | undefined): Answer {
  const ms = response.timings.duration;
  const body = bodyOf(response);
  const text = (name: string): string => (typeof body[name] === 'string' ? body[name] : '');
  const attempts = typeof body.attempts === 'number' ? body.attempts : 0;
  const answer = (outcome: Outcome, reason = ''): Answer => ({
    outcome,
    reason,
    attempts,
    commandId: text('commandId'),
    ms,
  });
  if (response.status === 0) return answer('unknown', 'no answer');
  const served = response.headers['Lock-Strategy'];
  if (served === undefined || served !== (strategy ?? served))
    return answer('wrong', `${served ?? 'no strategy'} answered`);
  if (response.status === 201) return answer('accepted');
  if (text('outcome') === 'refused') return answer('refused', text('reason'));
  const told = outcomes.find(outcome => outcome === text('outcome'));
  if (told === 'busy' || told === 'failed' || told === 'unknown')
    return answer(told, text('type').slice(text('type').lastIndexOf('/') + 1));
  return answer('wrong', `${response.status} ${text('title')}`);
}

function bodyOf(response: RefinedResponse<ResponseType>): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(String(response.body));
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

/** Bodies for one route, sent a few at a time. Returns the answers in the same order. */
export function makeAll(
  settings: Settings,
  requests: readonly Command[],
): readonly Readonly<Record<string, unknown>>[] {
  const made: Readonly<Record<string, unknown>>[] = [];
  for (let at = 0; at < requests.length; at += madeAtOnce) {
    const some = requests.slice(at, at + madeAtOnce).map(({ path, body }, index) => ({
      method: 'POST',
      url: `${settings.urls[index % settings.urls.length]}${path}`,
      body: JSON.stringify(body),
      params: { headers: json, timeout: '30s', tags: { name: nameOf(path), kind: 'preparation' } },
    }));
    for (const response of http.batch(some)) {
      if (response.status !== 201)
        stop(
          `${response.url} was answered with ${response.status} ${response.body ?? response.error}`,
        );
      made.push(bodyOf(response));
    }
  }
  return made;
}

const madeAtOnce = 16;

/** Ends the whole run with k6's code 108: what comes next would measure something else. */
export function stop(why: string): never {
  exec.test.abort(why);
  throw new Error(why);
}

/** What the service says it is. Ends the run where it is away, or runs another strategy. */
export function checkService(settings: Settings, scenario: string): Served {
  const [url = ''] = settings.urls;
  const response = http.get(`${url}/`, { timeout: '5s', tags: { kind: 'preparation' } });
  if (response.status !== 200)
    stop(`${url} does not answer as a Lockstep service: ${response.status || response.error}`);
  const told = bodyOf(response);
  const served = String(told.strategy);
  const names = (value: unknown): readonly string[] =>
    Array.isArray(value)
      ? value.map(one => (typeof one === 'string' ? one : String(one?.name)))
      : [];
  if (!names(told.scenarios).includes(scenario)) stop(`${url} has no scenario '${scenario}'`);
  const wanted = settings.strategy ?? served;
  if (wanted !== served && !names(told.strategies).includes(wanted))
    stop(
      `${url} runs the strategy '${served}' and not '${wanted}'; start it with STRATEGY=${wanted}, ` +
        'or with ALLOW_STRATEGY_HEADER=1 for requests to choose',
    );
  return { strategy: wanted, byHeader: wanted !== served };
}

/** What callers were told, for the audit. */
export interface Claims {
  readonly keys: readonly string[];
  readonly acknowledged: readonly Told[];
  readonly denied: readonly Told[];
  readonly refusedKeys: readonly string[];
}

export interface Told {
  readonly key: string;
  readonly commandId: string;
}

export interface Findings {
  /** Keys with a violation. */
  readonly keys: number;
  /** Transactions that were still open: what they commit has not been judged. */
  readonly openTransactions: number;
  readonly excess: Readonly<Record<string, number>>;
  readonly deniedAndThere: number;
}

/** Asks the service's audit. Ends the run where it cannot be asked: silence is no safety. */
export function audit(settings: Settings, scenario: string, claims: Claims): Findings {
  const response = asked(settings, { scenario, ...claims });
  const body = bodyOf(response);
  if (response.status !== 200)
    stop(`the audit cannot be asked: ${response.status} ${String(body.detail ?? response.error)}`);
  const counts: Record<string, number> = {};
  const { excess, deniedAndThere } = body;
  if (typeof excess === 'object' && excess !== null)
    for (const [kind, count] of Object.entries(excess)) counts[kind] = Number(count);
  return {
    keys: Number(body.keys ?? 0),
    openTransactions: Number(body.openTransactions ?? 0),
    excess: counts,
    deniedAndThere: Number(deniedAndThere ?? 0),
  };
}

const triesMax = 3;

/** An audit changes nothing, so it may be asked again where the connection was closed meanwhile. */
function asked(settings: Settings, body: object): RefinedResponse<ResponseType> {
  const [url = ''] = settings.urls;
  for (let left = triesMax; ; left -= 1) {
    const response = http.post(`${url}/admin/audit`, JSON.stringify(body), {
      headers: { ...json, authorization: `Bearer ${settings.adminToken}` },
      timeout: '30s',
      tags: { kind: 'audit' },
    });
    if (response.status !== 0 || left === 1) return response;
  }
}

const nothing: Claims = { keys: [], acknowledged: [], denied: [], refusedKeys: [] };
const settleMaxSeconds = 10;

/** Asks once before the load, so that a token which does not fit is known before the work. */
export function checkAudit(settings: Settings, scenario: string): void {
  audit(settings, scenario, nothing);
}

/** Waits until no transaction is open: what it commits would escape the audit. False if it took too long. */
export function settled(settings: Settings, scenario: string): boolean {
  const lastMs = Date.now() + settleMaxSeconds * 1_000;
  while (Date.now() < lastMs) {
    if (audit(settings, scenario, nothing).openTransactions === 0) return true;
    sleep(0.1);
  }
  return false;
}
