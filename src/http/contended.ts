import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { failures, isFailure } from '../contract/index.ts';
import { newCommandId } from '../engine/command-id.ts';
import { reasonAgainstKey } from '../engine/idempotency.ts';
import type { RegisteredScenario } from '../engine/registry.ts';
import type { Engine, Served } from '../engine/serve.ts';
import type { Tracer } from '../engine/trace.ts';
import type { CommandHistory } from '../telemetry/history.ts';
import { answer, answerProblem, Problem, retryAfterSeconds } from './answer.ts';
import { arrival } from './arrival.ts';
import { readBody } from './body.ts';
import { type ChoiceOptions, chooser } from './choice.ts';
import { idempotencyOf } from './idempotency.ts';

export interface ContendedParts {
  readonly engine: Pick<Engine, 'serve'>;
  readonly choice: ChoiceOptions;
  readonly log: Logger;
  /** Where every command is noted; undefined: nowhere. */
  readonly history: Pick<CommandHistory, 'note'> | undefined;
  readonly rollout?: {
    /** Whether keys of the variant are assigned to strategies. */
    readonly assigned: (scenario: string, variant: string) => boolean;
  };
  /** Records where the time of commands goes; undefined: nobody does. */
  readonly tracer: Tracer | undefined;
}

/** The contended route at `path`, for all variants served there: one request is one command. */
export function contended(
  scenario: RegisteredScenario,
  path: string,
  { engine, choice: options, log, history, rollout, tracer }: ContendedParts,
): RequestHandler {
  const there = Object.entries(scenario.registered.variants).filter(([, one]) => one.path === path);
  const choose = chooser(options, Object.fromEntries(there));
  return async (request: Request, response: Response) => {
    response.setHeader('lock-strategy', options.strategy.name);
    const { strategy, variant, chosen } = choose(request);
    if (chosen && rollout?.assigned(scenario.name, variant)) throw new Problem('strategy-assigned');
    if (strategy !== options.strategy) response.setHeader('lock-strategy', strategy.name);
    const left = departureOf(response);
    const body = await readBody(request, response);
    const arrivedMs = arrival(request.socket);
    const commandId = newCommandId(strategy.name);
    const input = { params: request.params, body };
    const idempotency = idempotencyOf(request, path, input);
    const against = idempotency && reasonAgainstKey(strategy.declared);
    if (against) throw new Problem('idempotency-not-offered', `${strategy.name}: ${against}.`);
    const span = tracer?.command(`POST ${path}`, headerOf(request, 'traceparent'), {
      'http.request.method': 'POST',
      'http.route': path,
      'lockstep.scenario': scenario.name,
      'lockstep.variant': variant,
      'lockstep.strategy': strategy.name,
      'lockstep.command_id': commandId,
    });
    const served = await engine
      .serve({
        ...{ scenario, variant, strategy, commandId, input, left, arrivedMs },
        ...(idempotency && { idempotency }),
        ...(chosen && { chosen }),
        ...(span && { span }),
      })
      .finally(() => span?.end());
    const { ran } = served;
    if (ran) response.setHeader('lock-strategy', ran.strategy.name);
    if (served.replayed) response.setHeader('idempotent-replayed', 'true');
    if (isUnexpected(served)) {
      const requestId = response.getHeader('x-request-id');
      log.error(
        { err: served.error, requestId, commandId, strategy: strategy.name },
        'command failed',
      );
    }
    const spans = options.headersAllowed || history ? spansOf(served) : undefined;
    if (spans && options.headersAllowed) tellSpans(response, spans);
    if (spans && history) {
      const name = ran?.strategy.name ?? strategy.name;
      const cell = { scenario: scenario.name, variant, strategy: name };
      history.note({
        ...cell,
        ...noted(request, served, spans),
        commandId: ran?.commandId ?? commandId,
      });
    }
    if (served.aheadMs !== undefined)
      response.setHeader('retry-after', retryAfterSeconds(served.aheadMs));
    tell(response, served, served.replayed?.commandId ?? ran?.commandId ?? commandId);
  };
}

/** Aborted when the connection closes before there is an answer. */
function departureOf(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableEnded) controller.abort();
  });
  return controller.signal;
}

/** Whatever the caller is told, the log has the error that nobody foresaw. */
function isUnexpected({ outcome: { kind }, error }: Served): boolean {
  const code = isFailure(error) ? error.code : 'internal-error';
  return (kind === 'failed' || kind === 'unknown') && !!error && code === 'internal-error';
}

/** Microseconds on the machine's monotonic clock, which all its processes share. */
interface Spans {
  readonly askedUs: number;
  readonly decidedUs: readonly [from: number, until: number] | null;
  readonly endedUs: number;
}

/** Undefined where nothing was run: a stored answer. */
function spansOf({ askedMs, decided }: Served): Spans | undefined {
  if (askedMs === undefined) return undefined;
  const nowMs = performance.now(); // the clock of the engine's times
  const endedUs = Number(process.hrtime.bigint() / 1_000n);
  const at = (ms: number): number => endedUs - Math.round((nowMs - ms) * 1_000);
  const decidedUs = decided ? ([at(decided.fromMs), at(decided.untilMs)] as const) : null;
  return { askedUs: at(askedMs), decidedUs, endedUs };
}

/** Tells when the command was worked on, and when it decided, so that a load can see who met. */
function tellSpans(response: Response, { askedUs, decidedUs, endedUs }: Spans): void {
  response.setHeader('command-worked-us', `${askedUs}-${endedUs}`);
  if (decidedUs) response.setHeader('command-decided-us', decidedUs.join('-'));
}

function noted(request: Request, { outcome, auditKey }: Served, spans: Spans) {
  const { kind, detail, attempts } = outcome;
  const caller = callerOf(request.headers['command-caller']);
  return { key: auditKey, caller, ...spans, outcome: kind, detail, attempts };
}

function headerOf(request: Request, name: string): string | undefined {
  const header = request.headers[name];
  return typeof header === 'string' ? header : undefined;
}

const callerMax = 64;

/** Without a name every command is a caller of its own: its name is empty. */
function callerOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header.slice(0, callerMax) : '';
}

function tell(response: Response, { outcome, auditKey: key }: Served, commandId: string): void {
  const { kind, attempts, detail } = outcome;
  if (kind === 'accepted')
    answer(response, 201, { outcome: kind, id: detail, key, commandId, attempts });
  else if (kind === 'refused')
    answerProblem(response, 'refused', `The operation was refused: ${detail}.`, {
      outcome: kind,
      reason: detail,
      key,
      commandId,
      attempts,
    });
  else
    answerProblem(response, detail, failures[detail].meaning, {
      outcome: kind,
      key,
      commandId,
      attempts,
    });
}
